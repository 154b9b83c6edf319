//! `mano vnfpkg from-ovf` and `mano vnfpkg to-ova`: OVF appliances (DSP0243) made into VNF packages and back, offline.

use descriptors::archive::Limits;
use descriptors::diag::Diagnostics;
use descriptors::ovf::{self, ImportOptions, OvfError, QemuImg};
use serde_json::{Value, json};

use crate::cli::{FromOvf, ToOva};
use crate::fail::Failure;
use crate::output::{self, Format};

/// Makes a VNF package of an appliance and prints what was noticed, everything that was left out among it.
pub fn from_ovf(args: &FromOvf, format: Format) -> Result<(), Failure> {
    let format = format.of_tables()?;
    let options =
        ImportOptions { name: args.name.clone(), provider: args.provider.clone(), ..ImportOptions::default() };
    let made = ovf::import(&args.file, &args.out, &options, &QemuImg::default());
    let made = made.map_err(|e| refused(e, format))?;
    report(&made.found, format, json!({ "descriptorId": made.vnfd.descriptor_id, "appliance": made.envelope }))?;
    let flavour = made.vnfd.flavours.first();
    let (vdus, cps) = flavour.map_or((0, 0), |f| (f.vdus.len(), f.ext_cps.len()));
    output::note(&format!(
        "{}: {}, VDUs {vdus}, external connection points {cps}",
        args.out.display(),
        made.vnfd.product_name
    ));
    Ok(())
}

/// Writes a VDU as an appliance and prints what an appliance has no place for.
pub fn to_ova(args: &ToOva, format: Format) -> Result<(), Failure> {
    let format = format.of_tables()?;
    let made = ovf::export(&args.package, &args.vdu, &args.out, &Limits::default(), &QemuImg::default());
    let made = made.map_err(|e| refused(e, format))?;
    report(&made.found, format, json!({ "appliance": made.envelope }))?;
    let disks = made.envelope.disks.len();
    output::note(&format!("{}: the VDU {}, disks {disks}", args.out.display(), args.vdu));
    Ok(())
}

fn report(found: &Diagnostics, format: Format, more: Value) -> Result<(), Failure> {
    if format == Format::Table {
        return if found.is_empty() { Ok(()) } else { output::line(&found.to_string()) };
    }
    let mut all = json!({ "findings": found });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    output::document(format, &all)
}

fn refused(error: OvfError, format: Format) -> Failure {
    match error {
        OvfError::Content(found) => match report(&found, format, Value::Null) {
            Ok(()) => Failure::Reported,
            Err(failure) => failure,
        },
        OvfError::Tool(detail) if !QemuImg::default().is_there() => {
            Failure::helped(detail, "apt-get install qemu-utils")
        }
        other => Failure::usage(other.to_string()),
    }
}

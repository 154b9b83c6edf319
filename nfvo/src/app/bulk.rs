//! The artifacts of a package as one archive (SOL003 clause 10.4.5a, SOL005 clause 9.4.5a): which of them, and the archive.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use descriptors::archive::{Limits, Package};
use reference_points::common::Fault;
use reference_points::os_ma_nfvo::VnfPkgInfo;
use service::faults::nearest;
use service::http::{ApiError, ApiResult};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::intake::{self, Part};
use super::onboard::Definitions;

const NO_MANO: &str = "exclude_all_mano_artifacts";
const NO_NON_MANO: &str = "exclude_all_non_mano_artifacts";
const SETS: &str = "select_non_mano_artifact_sets";
const EXTERNAL: &str = "include_external_artifacts";
const SIGNATURES: &str = "include_signatures";
const KNOWN: [&str; 5] = [NO_MANO, NO_NON_MANO, SETS, EXTERNAL, SIGNATURES];

/// What of a package is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    no_mano: bool,
    no_non_mano: bool,
    sets: Option<BTreeSet<String>>,
    external: bool,
    signatures: bool,
}

impl Selection {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// 400 with every fault.
    pub fn of(parameters: &[(String, String)]) -> ApiResult<Self> {
        let (mut selection, mut faults) = (Self::default(), Vec::new());
        for (i, (name, value)) in parameters.iter().enumerate() {
            let at = format!("query.{}", name.chars().take(60).collect::<String>());
            if parameters[..i].iter().any(|(before, _)| before == name) {
                faults.push(Fault::new(at, "is given twice").mend("give it once"));
                continue;
            }
            let flag = match name.as_str() {
                NO_MANO => &mut selection.no_mano,
                NO_NON_MANO => &mut selection.no_non_mano,
                EXTERNAL => &mut selection.external,
                SIGNATURES => &mut selection.signatures,
                SETS => {
                    selection.sets = Some(value.split(',').map(|set| set.trim().to_owned()).collect());
                    continue;
                }
                _ => {
                    let fault = Fault::new(at, "is not known here");
                    faults.push(match nearest(name, &KNOWN) {
                        Some(known) => fault.mend(format!("did you mean {known}?")),
                        None => fault.mend(format!("known: {}", KNOWN.join(", "))),
                    });
                    continue;
                }
            };
            *flag = true;
            if !value.is_empty() {
                faults.push(Fault::new(at, "is a flag and has no value").mend(format!("?{name}")));
            }
        }
        if selection.no_non_mano && selection.sets.is_some() {
            let fault = Fault::new(format!("query.{SETS}"), format!("it contradicts {NO_NON_MANO}"));
            faults.push(fault.mend("give one of the two"));
        }
        if faults.is_empty() { Ok(selection) } else { Err(ApiError::faults("the query", faults)) }
    }

    /// The files of a package that are meant, in the order of the archive. Software images are never among them, nor is what
    /// describes the package itself.
    fn files(&self, package: &Package, images: &BTreeSet<String>) -> Vec<String> {
        let definitions = Definitions::of(package);
        let manifest = package.manifest();
        let sets = || manifest.iter().flat_map(|m| &m.non_mano_artifact_sets);
        let non_mano: BTreeSet<&String> = sets().flat_map(|(_, files)| files).collect();
        let chosen: Option<BTreeSet<&String>> = self
            .sets
            .as_ref()
            .map(|wanted| sets().filter(|(set, _)| wanted.contains(*set)).flat_map(|(_, files)| files).collect());
        let is_artifact = |path: &String| {
            !definitions.contains(path)
                && !path.starts_with("TOSCA-Metadata/")
                && manifest.is_none_or(|m| m.path != *path)
                && !images.contains(path)
        };
        let is_meant = |path: &String| match non_mano.contains(path) {
            false => !self.no_mano,
            true => !self.no_non_mano && chosen.as_ref().is_none_or(|chosen| chosen.contains(path)),
        };
        let listed = manifest.map(|m| m.files.as_slice()).unwrap_or_default();
        let signs = |of: &dyn Fn(&String) -> bool| -> BTreeSet<String> {
            let signed = listed.iter().filter(|file| of(&file.source));
            signed.flat_map(|file| file.signature.iter().chain(&file.certificate)).cloned().collect()
        };
        let every_signature = signs(&|_| true);
        let all: Vec<String> = package.files().map(|(path, _)| path.to_owned()).collect();
        let meant: BTreeSet<String> = all
            .iter()
            .filter(|path| is_artifact(path) && !every_signature.contains(*path) && is_meant(path))
            .cloned()
            .collect();
        let applicable = if self.signatures { signs(&|path| meant.contains(path)) } else { BTreeSet::new() };
        all.into_iter().filter(|path| meant.contains(path) || applicable.contains(path)).collect()
    }
}

/// The archive as an open file, which is gone when it is closed. The same request gives the same bytes.
///
/// # Errors
/// 409 when files outside the package are asked for and it names some; 507 or 500, as the file system has it.
pub async fn archive(package: PathBuf, info: &VnfPkgInfo, selection: Selection) -> ApiResult<File> {
    let images: BTreeSet<String> = info.software_images.iter().map(|image| image.image_path.clone()).collect();
    let made = tokio::task::spawn_blocking(move || {
        let part = Part::beside(&package);
        let package = Package::open(&package, &Limits::default()).map_err(|d| io::Error::other(d.to_string()))?;
        let outside: Vec<String> =
            package.manifest().iter().flat_map(|m| m.external()).map(|f| f.source.clone()).collect();
        if selection.external && !outside.is_empty() {
            return Ok(Err(outside));
        }
        let file = File::options().read(true).write(true).create_new(true).open(part.path())?;
        let mut zip = ZipWriter::new(file);
        for path in selection.files(&package, &images) {
            let large = package.size(&path).is_some_and(|size| size >= u64::from(u32::MAX));
            zip.start_file(path.as_str(), SimpleFileOptions::default().large_file(large))?;
            package.open_artifact(&path)?.copy_to(&mut zip)?;
        }
        Ok::<_, io::Error>(Ok(zip.finish()?))
    });
    let made = made.await.map_err(|e| ApiError::internal(format!("making an archive met a defect: {e}")))?;
    made.map_err(|e| intake::unwritable(&e))?.map_err(|outside| {
        let detail = format!("artifacts outside the package are not fetched: {}", outside.join(", "));
        let mut error = ApiError::conflict(detail);
        error.problem.next = Some(format!("fetch them from there; leave {EXTERNAL} out"));
        error
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn selection(query: &[(&str, &str)]) -> ApiResult<Selection> {
        let query: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Selection::of(&query)
    }

    #[test]
    fn flags_have_no_value_and_every_fault_is_told() {
        let read = selection(&[(NO_MANO, ""), (SETS, "a, b")]).unwrap();
        assert!(read.no_mano && !read.no_non_mano && read.sets.unwrap().contains("b"));
        let query = [(NO_MANO, "yes"), ("include_signature", ""), (NO_NON_MANO, ""), (SETS, "a"), (SETS, "b")];
        let told = selection(&query).unwrap_err();
        let faults: Vec<&str> = told.problem.faults.iter().map(|f| f.location.as_str()).collect();
        let sets = format!("query.{SETS}");
        assert_eq!(faults, [&format!("query.{NO_MANO}"), "query.include_signature", &sets, &sets]);
        assert_eq!(told.problem.faults[1].mend.as_deref(), Some("did you mean include_signatures?"));
    }
}

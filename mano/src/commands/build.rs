//! `mano vnfpkg build` and `mano nsd build`: a valid archive from a directory, signed when a key is given
//! (SOL004 clauses 4 and 5, SOL007).

use std::path::{Path, PathBuf};

use descriptors::archive::{HashAlgorithm, PackOptions, SignatureOption, pack_dir_with};
use descriptors::signature::SigningKey;

use crate::cli::{Build, Hash};
use crate::fail::Failure;
use crate::output;

/// Makes the archive.
pub fn run(args: &Build) -> Result<(), Failure> {
    let extra = added(&args.add)?;
    let extra: Vec<(&str, &Path)> = extra.iter().map(|(path, file)| (path.as_str(), file.as_path())).collect();
    let key = key(args)?;
    let place = if args.sign_option == "2" { SignatureOption::Outer } else { SignatureOption::Manifest };
    let hash = match args.hash {
        Hash::Sha256 => HashAlgorithm::Sha256,
        Hash::Sha512 => HashAlgorithm::Sha512,
    };
    // No time of signing is claimed: the same files and key give the same archive.
    let options = PackOptions { hash, sign: key.as_ref().map(|key| (key, place)), at: None };
    let out = &args.out;
    // Beside the target and renamed at the end: what is called OUT is complete.
    let mut unfinished = out.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let packed = match pack_dir_with(&args.dir, &extra, &options, std::fs::File::create(&unfinished)?) {
        Ok(packed) => packed,
        Err(error) => {
            let _ = std::fs::remove_file(&unfinished);
            return Err(Failure::usage(error.to_string()));
        }
    };
    std::fs::rename(&unfinished, out)?;
    let bytes: u64 = packed.files.iter().map(|(_, size)| size).sum();
    let signed = match (&key, place) {
        (None, _) => "",
        (Some(_), SignatureOption::Manifest) => ", signed in the manifest",
        (Some(_), SignatureOption::Outer) => ", signed as a whole",
    };
    output::note(&format!("{}: {} files, {}{signed}", out.display(), packed.files.len(), output::bytes(bytes)));
    Ok(())
}

/// Paths in the archive with the files that are put there.
pub fn added(items: &[String]) -> Result<Vec<(String, PathBuf)>, Failure> {
    let pair = |item: &String| {
        let pair = item.split_once('=').map(|(path, file)| (path.to_owned(), PathBuf::from(file)));
        pair.ok_or_else(|| Failure::usage(format!("--add {item:?} is not PATH=FILE")))
    };
    items.iter().map(pair).collect()
}

fn key(args: &Build) -> Result<Option<SigningKey>, Failure> {
    let (Some(key), Some(certificate)) = (&args.sign_key, &args.sign_cert) else { return Ok(None) };
    let read = |path: &Path| std::fs::read(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())));
    let signing = SigningKey::new(&read(key)?, &read(certificate)?);
    signing.map(Some).map_err(|e| {
        Failure::helped(
            e.to_string(),
            "openssl req -x509 -newkey rsa:3072 -nodes -keyout KEY.pem -out CERT.pem -days 365",
        )
    })
}

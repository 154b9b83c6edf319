//! `mano vim image`: its part of the command tree.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use reference_points::nf_vi::DiskFormat;

#[derive(Debug, Subcommand)]
pub enum Image {
    /// Puts a disk image into a VIM, under the name that a VNFD says.
    Add(AddImage),
    /// Lists them; those of VNF packages too.
    List {
        /// VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
    },
    /// Deletes one that no machine is made from. Those of VNF packages go with their packages.
    Delete {
        /// Name or id.
        image: String,
        /// VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct AddImage {
    /// Disk image.
    pub file: PathBuf,
    /// Name by which VNFDs name it (`sw_image_data`, name).
    #[arg(long)]
    pub name: String,
    /// Version text.
    #[arg(long, default_value = "")]
    pub version: String,
    /// Disk format; told by the file's first bytes when not given.
    #[arg(long, value_enum)]
    pub format: Option<ImageFormat>,
    /// VIM; may be left out when there is only one.
    #[arg(long)]
    pub vim: Option<String>,
}

/// Format of a disk image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImageFormat {
    /// QEMU copy-on-write, without a backing file.
    Qcow2,
    /// Plain bytes.
    Raw,
}

impl From<ImageFormat> for DiskFormat {
    fn from(format: ImageFormat) -> Self {
        match format {
            ImageFormat::Qcow2 => Self::Qcow2,
            ImageFormat::Raw => Self::Raw,
        }
    }
}

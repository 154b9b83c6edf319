//! Software images in Glance (IFA005 clause 7.2): streamed into it, checked by the digest that Glance worked out itself, and
//! taken as they are when the same content is there already.

use std::io::Read as _;
use std::path::Path;

use reference_points::common::ProblemDetails;
use reference_points::nf_vi::DiskFormat;
use reference_points::or_vi::SoftwareImage;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result};
use crate::store::images;
use crate::vim::{Gone, Its, Made};

/// Property that holds the SHA-256 of the descriptor.
const DIGEST: &str = "mano_sha256";

fn format(image: &SoftwareImage) -> &'static str {
    match image.spec.format {
        DiskFormat::Qcow2 => "qcow2",
        DiskFormat::Raw => "raw",
    }
}

fn document(image: &SoftwareImage, mark: &Mark) -> Value {
    let spec = &image.spec;
    let mut body = json!({
        "name": spec.name, "disk_format": format(image), "container_format": "bare", "visibility": "private",
        "min_disk": gib(spec.min_disk_bytes.unwrap_or(0)),
        "min_ram": spec.min_memory_bytes.unwrap_or(0).div_ceil(1 << 20),
    });
    body[marks::KEY] = json!(mark.text());
    body[DIGEST] = json!(spec.sha256);
    body
}

/// Whole GiB that hold so many bytes.
pub(super) fn gib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 30)
}

/// An image that can be used in place of one with this content.
fn same_content<'a>(list: &'a Value, format: &str, sha512: &str) -> Option<&'a Value> {
    list["images"].as_array()?.iter().find(|found| {
        found["status"] == "active"
            && found["disk_format"] == format
            && found["container_format"] == "bare"
            && found["os_hash_algo"] == "sha512"
            && found["os_hash_value"] == sha512
    })
}

fn active(found: &Value) -> Made {
    let its = Its { id: text(found, "id"), ..Its::default() };
    if found["status"] == "active" { Made::Now(its) } else { Made::Later(its) }
}

/// Refused when Glance worked out another digest than the file has.
fn checked(found: &Value, sha512: &str, work: &Work) -> Result<()> {
    match (found["os_hash_algo"].as_str(), found["os_hash_value"].as_str()) {
        (Some("sha512"), Some(value)) if value != sha512 => {
            let detail = format!("Glance has other content than was sent for {}: its SHA-512 is {value}", work.what);
            Err(ProblemDetails::new(503, "Content was damaged", detail).next("it is sent again").into())
        }
        _ => Ok(()),
    }
}

async fn digest(content: &Path) -> Result<String> {
    let path = content.to_owned();
    let worked_out = tokio::task::spawn_blocking(move || {
        let mut hasher = Sha512::new();
        let mut file = std::fs::File::open(path)?;
        let mut part = vec![0; 1 << 20];
        loop {
            match file.read(&mut part)? {
                0 => return Ok::<_, std::io::Error>(hex::encode(hasher.finalize())),
                n => hasher.update(&part[..n]),
            }
        }
    });
    let unreadable = |why: String| Failure::from(ProblemDetails::new(500, "Unreadable", why));
    let done = worked_out.await.map_err(|error| unreadable(error.to_string()))?;
    done.map_err(|error| unreadable(format!("{} cannot be read: {error}", content.display())))
}

impl OpenstackVim {
    pub(super) async fn make_image(&self, image: &SoftwareImage, content: &Path) -> Result<Made> {
        let _turn = self.turns.take(image.id).await;
        let (id, name) = (image.id, &image.spec.name);
        let work = Work::on("make", "software image", name, id);
        let sha512 = digest(content).await?;
        let there = match self.marked_image(&work, id, &image.spec.sha256).await? {
            Some(there) => there,
            None => {
                let list =
                    Call::get(Service::Image, "images").query("os_hash_value", &sha512).query("status", "active");
                let reply = self.session.ask(&work, list).await?;
                if let Some(same) = same_content(&reply.body, format(image), &sha512) {
                    return Ok(active(same));
                }
                let mark = Mark::of("image", id, self.ledger.vim, &image.spec.owner);
                let call = Call::post(Service::Image, "images", &document(image, &mark));
                self.create(&work, call, Value::clone, || self.marked_image(&work, id, &image.spec.sha256)).await?
            }
        };
        let its = text(&there, "id").unwrap_or_default();
        let path = format!("images/{its}");
        if there["status"] == "queued" {
            let sent = self.session.upload(&work, Call::upload(Service::Image, format!("{path}/file")), content).await;
            if let Err(failure) = sent {
                // What Glance has of it cannot be gone on with.
                self.session.remove(&Work::on("delete", "software image", name, id), Service::Image, path).await?;
                return Err(failure);
            }
        }
        let found = self.session.ask(&work, Call::get(Service::Image, path.clone())).await?.body;
        if let Err(failure) = checked(&found, &sha512, &work) {
            self.session.remove(&work, Service::Image, path).await?;
            return Err(failure);
        }
        Ok(active(&found))
    }

    async fn marked_image(&self, work: &Work, id: Uuid, sha256: &str) -> Result<Option<Value>> {
        let list = Call::get(Service::Image, "images").query(DIGEST, sha256);
        let reply = self.session.ask(work, list).await?;
        let ours = |found: &&Value| marks::on(found).is_some_and(|mark| mark.is("image", id, self.ledger.vim));
        Ok(reply.body["images"].as_array().into_iter().flatten().find(ours).cloned())
    }

    /// Removes an image unless it is somebody else's, or another image of ours has the same content and uses it too.
    pub(super) async fn remove_image(&self, image: &SoftwareImage) -> Result<Gone> {
        let _turn = self.turns.take(image.id).await;
        let vim = self.ledger.vim;
        let work = Work::on("delete", "software image", &image.spec.name, image.id);
        let found = match &image.vim_resource_id {
            Some(its) => {
                self.session.find(&work, Call::get(Service::Image, format!("images/{its}"))).await?.map(|r| r.body)
            }
            None => self.marked_image(&work, image.id, &image.spec.sha256).await?,
        };
        let Some(found) = found else { return Ok(Gone::Now) };
        let its = text(&found, "id");
        let others = images::list(&mut *self.ledger.store.db.pool.acquire().await?, vim).await?;
        let shared = others.iter().any(|row| row.image.id != image.id && row.image.vim_resource_id == its);
        let ours = marks::on(&found).is_some_and(|mark| mark.vim == vim);
        if let Some(its) = its.filter(|_| ours && !shared) {
            self.session.remove(&work, Service::Image, format!("images/{its}")).await?;
        }
        Ok(Gone::Now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_image_with_the_same_content_is_used_only_when_it_is_complete_and_of_the_same_format() {
        let image = |status: &str, format: &str| {
            json!({ "id": status, "status": status, "disk_format": format, "container_format": "bare",
                "os_hash_algo": "sha512", "os_hash_value": "abc" })
        };
        let list = json!({ "images": [image("queued", "qcow2"), image("active", "raw"), image("active", "qcow2")] });
        assert_eq!(same_content(&list, "qcow2", "abc").unwrap()["disk_format"], "qcow2");
        assert!(same_content(&list, "qcow2", "other").is_none());
    }

    #[test]
    fn content_that_arrived_otherwise_than_it_was_sent_is_not_taken() {
        let work = Work::new("make", "image i");
        let found = json!({ "os_hash_algo": "sha512", "os_hash_value": "abc" });
        checked(&found, "abc", &work).unwrap();
        checked(&found, "abd", &work).unwrap_err();
        // An older Glance has none.
        checked(&json!({}), "abd", &work).unwrap();
    }
}

//! The VNFM, as far as the steps of an NS need it (SOL003 clause 5).

use async_trait::async_trait;
use reference_points::common::CallError;
use reference_points::or_vnfm::{
    CancelMode, CancelModeType, CreateVnfRequest, InstantiateVnfRequest, LcmClient, TerminateVnfRequest, VnfInstance,
    VnfLcmOpOcc,
};
use uuid::Uuid;

use crate::ops::plan::{META_NS, META_PART};
use crate::ops::pursue::Ask;

/// VNF instances and their operations.
#[async_trait]
pub trait Vnfms: Send + Sync {
    /// Creates a VNF instance.
    async fn create(&self, request: &CreateVnfRequest) -> Result<VnfInstance, CallError>;
    /// Looks a VNF instance up by its place in an NS, which its metadata tell.
    async fn find(&self, ns: Uuid, part: &str) -> Result<Option<VnfInstance>, CallError>;
    /// Looks a VNF instance up.
    async fn instance(&self, id: Uuid) -> Result<Option<VnfInstance>, CallError>;
    /// Deletes a VNF instance; gone already is done.
    async fn delete(&self, id: Uuid) -> Result<(), CallError>;
    /// Begins an instantiation; returns the operation occurrence.
    async fn instantiate(&self, id: Uuid, request: &InstantiateVnfRequest) -> Result<Uuid, CallError>;
    /// Begins a termination; returns the operation occurrence.
    async fn terminate(&self, id: Uuid, request: &TerminateVnfRequest) -> Result<Uuid, CallError>;
    /// The newest operation of a VNF instance.
    async fn newest_operation(&self, vnf: Uuid) -> Result<Option<VnfLcmOpOcc>, CallError>;
    /// Asks for a task of an operation.
    async fn ask(&self, operation: Uuid, ask: Ask) -> Result<(), CallError>;
}

/// Metadata key and value as conditions of an attribute filter (SOL013 clause 5.2).
fn place(ns: Uuid, part: &str) -> String {
    let quoted = part.replace('\'', "''");
    format!("{}&fields=metadata", filter(&format!("(eq,metadata/{META_NS},{ns});(eq,metadata/{META_PART},'{quoted}')")))
}

/// An attribute filter as a query.
pub fn filter(conditions: &str) -> String {
    format!("?filter={}", percent(conditions))
}

/// A query value with everything escaped that is not plain (RFC 3986).
fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[async_trait]
impl Vnfms for LcmClient {
    async fn create(&self, request: &CreateVnfRequest) -> Result<VnfInstance, CallError> {
        Self::create(self, request).await
    }

    async fn find(&self, ns: Uuid, part: &str) -> Result<Option<VnfInstance>, CallError> {
        let text = |v: &VnfInstance, key: &str| v.metadata.get(key).and_then(|m| m.as_str()).map(str::to_owned);
        let mut found = self.list(&place(ns, part)).await?.body;
        // The filter is the VNFM's affair; whose instance it is, is ours.
        found.retain(|v| text(v, META_NS) == Some(ns.to_string()) && text(v, META_PART).as_deref() == Some(part));
        Ok(found.into_iter().next())
    }

    async fn instance(&self, id: Uuid) -> Result<Option<VnfInstance>, CallError> {
        self.get(id).await
    }

    async fn delete(&self, id: Uuid) -> Result<(), CallError> {
        Self::delete(self, id).await
    }

    async fn instantiate(&self, id: Uuid, request: &InstantiateVnfRequest) -> Result<Uuid, CallError> {
        Self::instantiate(self, id, request).await
    }

    async fn terminate(&self, id: Uuid, request: &TerminateVnfRequest) -> Result<Uuid, CallError> {
        Self::terminate(self, id, request).await
    }

    async fn newest_operation(&self, vnf: Uuid) -> Result<Option<VnfLcmOpOcc>, CallError> {
        let query = format!("{}&all_fields", filter(&format!("(eq,vnfInstanceId,{vnf})")));
        let mut newest: Option<VnfLcmOpOcc> = None;
        let mut page = self.list_op_occs(&query).await?;
        // Operations are few; the bound only keeps a VNFM that pages in circles from holding the step.
        for _ in 0..100 {
            for op in page.body {
                if newest.as_ref().is_none_or(|n| n.start_time < op.start_time) {
                    newest = Some(op);
                }
            }
            match page.link.as_deref().and_then(next_page) {
                Some(next) => page = self.list_op_occs(&next).await?,
                None => break,
            }
        }
        Ok(newest)
    }

    async fn ask(&self, operation: Uuid, ask: Ask) -> Result<(), CallError> {
        match ask {
            Ask::Retry => self.retry(operation).await,
            Ask::Rollback => self.rollback(operation).await,
            Ask::Fail => self.fail(operation).await,
            Ask::Cancel => self.cancel(operation, &CancelMode { cancel_mode: CancelModeType::Forceful }).await,
        }
    }
}

/// The query of the next page, from a `Link` header (SOL013 clause 5.4).
pub fn next_page(link: &str) -> Option<String> {
    let uri = link.split(',').find(|l| l.contains("rel=\"next\"") || l.contains("rel=next"))?;
    let uri = uri.split('<').nth(1)?.split('>').next()?;
    uri.split_once('?').map(|(_, query)| format!("?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_asked_for_by_an_escaped_filter() {
        let query = place(Uuid::nil(), "web's 1");
        assert!(query.starts_with("?filter=%28eq%2Cmetadata%2FnsInstanceId%2C00000000-"), "{query}");
        assert!(query.contains("%27web%27%27s%201%27"), "{query}");
    }

    #[test]
    fn the_next_page_is_found_in_the_link_header() {
        let link = "<http://h:1/vnflcm/v2/vnf_lcm_op_occs?filter=x&nextpage_opaque_marker=abc>; rel=\"next\"";
        assert_eq!(next_page(link).as_deref(), Some("?filter=x&nextpage_opaque_marker=abc"));
        assert_eq!(next_page("<http://h/?a>; rel=\"prev\""), None);
    }
}

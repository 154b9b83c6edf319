//! The OpenAPI document.

/// Every route declares its scope, and the document is what the golden file holds.
#[test]
fn the_document_is_the_golden_one() {
    let document = service::run::openapi_of::<nfvo::Nfvo>();
    service::http::openapi::assert_golden(&document, concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
}

//! The OpenAPI document that this service publishes is the one in its golden file.

#[test]
fn the_document_is_the_golden_one_and_every_route_declares_its_scope() {
    let document = service::run::openapi_of::<vim_adapter::VimAdapter>();
    service::http::openapi::assert_golden(&document, concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
}

//! The OpenAPI document of the VNFM is what the golden file holds, and every route declares its scope.

use service::http::openapi::assert_golden;

#[test]
fn the_openapi_document_is_the_golden_one() {
    assert_golden(&service::run::openapi_of::<vnfm::Vnfm>(), concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
}

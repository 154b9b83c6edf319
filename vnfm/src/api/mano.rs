//! `/mano/v1`: the steps of an operation, for the NFVO's live views.

use axum::extract::{Path, State};
use reference_points::os_ma_nfvo::mano::OpProgress;
use service::http::{ApiJson, ApiResult};
use uuid::Uuid;

use crate::app::App;

/// The steps of an operation as they stand.
#[utoipa::path(get, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/steps", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, body = OpProgress)))]
pub async fn steps(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<OpProgress>> {
    app.progress(id).await.map(ApiJson)
}

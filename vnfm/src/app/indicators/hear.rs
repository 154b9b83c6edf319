//! What a VNF or its element manager tells of indicators (SOL002 clauses 8.5.2.5 and 8.5.2.6), at the address that was
//! given to it alone.

use db::AnyConnection;
use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vnfm::{
    IndicatorNotificationType as Kind, SupportedIndicatorsChangeNotification, VnfIndicator,
    VnfIndicatorValueChangeNotification,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::{Indicators, MAX_INDICATORS, MAX_NAME, MAX_VALUE};
use crate::store::INSTANCES;
use crate::store::indicators::{self, INDICATORS, Kept, Source};

impl Indicators {
    /// That notifications are sent to this address.
    ///
    /// # Errors
    /// 404 when they are not.
    pub async fn listens(&self, callback: Uuid) -> ApiResult<()> {
        let mut connection = self.db.pool.acquire().await.map_err(db::DbError::from)?;
        self.source(&mut connection, callback).await.map(drop)
    }

    async fn source(&self, tx: &mut AnyConnection, callback: Uuid) -> ApiResult<Source> {
        let source = indicators::source_at(tx, callback).await?;
        source.ok_or_else(|| ApiError::not_found("an address for notifications of VNF indicators"))
    }

    /// Takes a notification. One that is older than what is known, or was taken before, changes nothing.
    ///
    /// # Errors
    /// 404 when nothing is awaited at this address; 422 with every fault when it cannot be made use of.
    pub async fn hear(&self, callback: Uuid, body: &Value) -> ApiResult<()> {
        let kind = body.get("notificationType").unwrap_or(&Value::Null);
        let kind = Kind::deserialize(kind).map_err(|_| {
            let fault = Fault::new("/notificationType", format!("{kind} is no notification of VNF indicators"));
            unusable(vec![
                fault.mend(format!("one of {}", Kind::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", "))),
            ])
        })?;
        match kind {
            Kind::VnfIndicatorValueChangeNotification => self.value(callback, read(body)?).await,
            Kind::SupportedIndicatorsChangeNotification => self.supported(callback, read(body)?).await,
        }?;
        self.told();
        Ok(())
    }

    async fn value(&self, callback: Uuid, told: VnfIndicatorValueChangeNotification) -> ApiResult<()> {
        let indicator = VnfIndicator {
            id: told.vnf_indicator_id,
            name: told.name,
            value: told.value,
            vnf_instance_id: told.vnf_instance_id,
            links: None,
        };
        let told_at = told.time_stamp.micros();
        db::transaction!(self.db, |tx| {
            let source = self.source(&mut *tx, callback).await?;
            let mut faults = oversized(&indicator);
            faults.extend(stranger(&source, told.vnf_instance_id));
            if !faults.is_empty() {
                return Err(unusable(faults));
            }
            let id = indicators::document_id(source.instance, &indicator.id);
            let old = INDICATORS.get_in(&mut *tx, id).await?;
            if old.as_ref().is_some_and(|old| old.document.told_at > told_at) {
                return Ok(());
            }
            if old.is_none() && indicators::count(&mut *tx, source.instance).await? >= MAX_INDICATORS {
                let text = format!("the VNF instance has {MAX_INDICATORS} indicators, which is the most");
                return Err(unusable(vec![Fault::new("/vnfIndicatorId", text)]));
            }
            let name = indicator.name.clone().or_else(|| old.as_ref().and_then(|o| o.document.indicator.name.clone()));
            let indicator = VnfIndicator { name, ..indicator.clone() };
            let record = INSTANCES.get_in(&mut *tx, source.instance).await?.map(|stored| stored.document.0);
            let kept = Kept { indicator, told_at, heard_at: self.clock.now_micros() };
            self.write(&mut *tx, old.as_ref(), kept, record.as_ref()).await?;
            if old.is_none() {
                self.tell_supported(&mut *tx, source.instance, record.as_ref(), self.clock.now_micros()).await?;
            }
            Ok::<_, ApiError>(())
        })
    }

    /// What went is forgotten; what came has a value that is read.
    async fn supported(&self, callback: Uuid, told: SupportedIndicatorsChangeNotification) -> ApiResult<()> {
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            let source = self.source(&mut *tx, callback).await?;
            if let Some(fault) = stranger(&source, told.vnf_instance_id) {
                return Err(unusable(vec![fault]));
            }
            let listed = |id: &str| told.supported_indicators.iter().any(|s| s.vnf_indicator_id == id);
            let mut gone = false;
            for stored in indicators::of(&mut *tx, source.instance).await? {
                if !listed(&stored.document.indicator.id) {
                    indicators::remove(&mut *tx, stored.id).await?;
                    gone = true;
                }
            }
            if gone {
                let record = INSTANCES.get_in(&mut *tx, source.instance).await?.map(|stored| stored.document.0);
                self.tell_supported(&mut *tx, source.instance, record.as_ref(), now).await?;
            }
            indicators::look(&mut *tx, source.instance, now).await?;
            Ok::<_, ApiError>(())
        })?;
        self.news.notify_one();
        Ok(())
    }
}

fn unusable(faults: Vec<Fault>) -> ApiError {
    ProblemDetails::unprocessable("the notification cannot be made use of", faults).into()
}

fn read<T: DeserializeOwned>(body: &Value) -> ApiResult<T> {
    T::deserialize(body).map_err(|e| unusable(vec![Fault::new("body", e.to_string())]))
}

fn stranger(source: &Source, told: Uuid) -> Option<Fault> {
    let text = || format!("notifications of VNF instance {} come here, not of {told}", source.instance);
    (told != source.instance).then(|| Fault::new("/vnfInstanceId", text()))
}

/// What of an indicator is larger than it may be.
pub(super) fn oversized(indicator: &VnfIndicator) -> Vec<Fault> {
    let mut faults = Vec::new();
    let texts = [("/vnfIndicatorId", Some(&indicator.id)), ("/name", indicator.name.as_ref())];
    for (place, text) in texts {
        if text.is_some_and(|t| t.is_empty() || t.chars().count() > MAX_NAME) {
            faults.push(Fault::new(place, format!("1 to {MAX_NAME} characters are possible")));
        }
    }
    let bytes = indicator.value.to_string().len();
    if bytes > MAX_VALUE {
        faults.push(Fault::new("/value", format!("it has {bytes} bytes, at most {MAX_VALUE} are possible")));
    }
    faults
}

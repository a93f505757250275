//! From what an operator wishes to what a tunnel is to be.

use holdfast_api_types::{
    SessionPolicy, SiteId,
    api::{ConfigureTunnel, DrainMinutes, FieldFault, Gateway, LossPercent, Patch, TargetMillis},
};
use holdfast_store::{
    Connection, router,
    tunnel::{Settings, Tunnel},
};
use serde_json::{Map, Value, json};

use crate::http::error::ApiError;

/// The settings of a tunnel after a change.
///
/// # Errors
/// 422 when they contradict each other.
pub(super) fn changed(before: &Settings, wish: ConfigureTunnel) -> Result<Settings, ApiError> {
    let mut settings = before.clone();
    if let Some(name) = wish.name {
        settings.name = name.into();
    }
    if let Some(metered) = wish.metered {
        settings.metered = metered;
    }
    if let Some(enabled) = wish.enabled {
        settings.enabled = enabled;
    }
    wish.interface.apply(&mut settings.interface, String::from);
    wish.gateway.apply(&mut settings.gateway, |gateway| gateway);
    wish.connection_type
        .apply(&mut settings.connection_type, |kind| kind);
    wish.provider.apply(&mut settings.provider, String::from);
    wish.sla_latency_ms
        .apply(&mut settings.sla_latency_ms, TargetMillis::get);
    wish.sla_jitter_ms
        .apply(&mut settings.sla_jitter_ms, TargetMillis::get);
    wish.sla_loss_percent
        .apply(&mut settings.sla_loss_ppm, LossPercent::ppm);
    wish.probe_profile
        .apply(&mut settings.probe_profile, |profile| profile);
    settings.policy_failover = wish.policy_failover.unwrap_or(settings.policy_failover);
    settings.policy_failback = wish.policy_failback.unwrap_or(settings.policy_failback);
    settings.drain_min = drain_minutes(&settings, wish.drain_min)?;
    Ok(settings)
}

/// The policy `drain` needs its minutes, and nothing else has any.
fn drain_minutes(settings: &Settings, wish: Patch<DrainMinutes>) -> Result<u32, ApiError> {
    let drains = |policy| policy == SessionPolicy::Drain;
    let field = if drains(settings.policy_failover) {
        "policy_failover"
    } else if drains(settings.policy_failback) {
        "policy_failback"
    } else {
        return match wish {
            Patch::Keep | Patch::Clear => Ok(0),
            Patch::Set(minutes) => Err(ApiError::invalid(
                "drain_min",
                Some(&minutes.get().to_string()),
                "is only for the policy drain: set policy_failover or policy_failback to drain, or leave it out",
            )),
        };
    };
    let minutes = match wish {
        Patch::Set(minutes) => minutes.get(),
        Patch::Keep => settings.drain_min,
        Patch::Clear => 0,
    };
    if minutes == 0 {
        let message = "needs minutes: send drain_min, 1 to 1440, as well";
        return Err(ApiError::invalid(field, Some("drain"), message));
    }
    Ok(minutes)
}

/// Refuses a name that another tunnel of the site has.
pub(super) fn unused_name(
    name: &str,
    others: &[Tunnel],
    own: Option<&Tunnel>,
) -> Result<(), ApiError> {
    let taken = others
        .iter()
        .filter(|other| own.is_none_or(|own| own.id != other.id))
        .any(|other| other.settings.name.to_lowercase() == name.to_lowercase());
    if !taken {
        return Ok(());
    }
    Err(ApiError::invalid_fields(vec![FieldFault {
        field: "name".into(),
        value: Some(name.into()),
        message: "is the name of another tunnel of this site: choose another".into(),
    }]))
}

/// Refuses an interface as the gateway where nobody can send traffic to it: a pushed route names an address, and only
/// on a router that we configure does that lead to the interface.
pub(super) async fn usable_gateway(
    conn: &mut Connection,
    site: &SiteId,
    after: &Settings,
) -> Result<(), ApiError> {
    let Some(Gateway::Interface(name)) = &after.gateway else {
        return Ok(());
    };
    if router::of_site(conn, site).await?.is_some() {
        return Ok(());
    }
    let message = "is an interface, which needs an adopted MikroTik router: write the ISP's IPv4 address, as in 192.0.2.1";
    Err(ApiError::invalid("gateway", Some(name.as_str()), message))
}

/// What the audit log says: the new value of each setting that changed.
pub(super) fn differences(before: &Settings, after: &Settings) -> Value {
    let (before, after) = (fields(before), fields(after));
    let changed = after
        .into_iter()
        .filter(|(name, value)| before.get(name) != Some(value));
    Value::Object(changed.collect())
}

fn fields(settings: &Settings) -> Map<String, Value> {
    let loss = settings
        .sla_loss_ppm
        .map(|ppm| f64::from(LossPercent::from_ppm(ppm)));
    let fields = json!({
        "name": settings.name,
        "interface": settings.interface,
        "gateway": settings.gateway,
        "connection_type": settings.connection_type,
        "metered": settings.metered,
        "enabled": settings.enabled,
        "provider": settings.provider,
        "sla_latency_ms": settings.sla_latency_ms,
        "sla_jitter_ms": settings.sla_jitter_ms,
        "sla_loss_percent": loss,
        "probe_profile": settings.probe_profile,
        "policy_failover": settings.policy_failover,
        "policy_failback": settings.policy_failback,
        "drain_min": settings.drain_min,
    });
    fields.as_object().cloned().unwrap_or_default()
}

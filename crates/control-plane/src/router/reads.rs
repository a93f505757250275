//! What the HTTP API shows of a router as it is at this moment, and checks against it.

use std::{collections::BTreeMap, time::Duration};

use holdfast_api_types::{
    ConnectionType, RouteMode, SiteId, TunnelId,
    api::{
        FieldFault, GatewayCandidate, GatewayCandidates, RouterInterface, RouterInterfaces,
        RouterPlan, RouterPlanStep,
    },
};
use holdfast_routeros_plan::{Gateway, Mode, Plan, Refusal, plan as plan_for, validate};
use holdfast_store::{
    router,
    tunnel::{self, Tunnel},
};

use super::{
    access::AccessError,
    book::{RouterError, reach},
    desired::{configured, desired, with_tunnels},
    live::{self, LiveGateway, LiveInterface},
    observe::{ObserveError, observe},
    presence::answered,
};
use crate::App;

/// A plan reads every menu, and people wait for it.
const PLAN_WITHIN: Duration = Duration::from_secs(5);

/// People wait for what they have entered to be accepted.
const CHECK_WITHIN: Duration = Duration::from_millis(1900);

/// The interfaces of the router of a site, those that can be a WAN first.
///
/// # Errors
/// It cannot be reached, or not in time.
pub(crate) async fn interfaces(app: &App, site: &SiteId) -> Result<RouterInterfaces, RouterError> {
    let router = reach(app, site).await?;
    let found = live::interfaces(&router).await?;
    answered(app, site).await;
    let tunnels = tunnel::of_site(&mut *app.store().read().await?, site).await?;
    let users: BTreeMap<&str, &TunnelId> = tunnels
        .iter()
        .filter_map(|it| Some((it.settings.interface.as_deref()?, &it.id)))
        .collect();
    let show = |found: LiveInterface| {
        let used_by = users.get(found.interface.name.as_str());
        show_interface(found, used_by.map(|id| (*id).clone()))
    };
    Ok(RouterInterfaces {
        observed_at: app.clock().now(),
        items: found.into_iter().map(show).collect(),
    })
}

/// The gateways that an interface of it may have, the most certain first.
///
/// # Errors
/// It cannot be reached, or not in time.
pub(crate) async fn gateways(
    app: &App,
    site: &SiteId,
    interface: &str,
) -> Result<GatewayCandidates, RouterError> {
    let router = reach(app, site).await?;
    let found = live::gateways(&router, interface).await?;
    answered(app, site).await;
    Ok(GatewayCandidates {
        observed_at: app.clock().now(),
        items: found
            .into_iter()
            .map(|found| show_gateway(found, interface))
            .collect(),
    })
}

/// What would be changed on it for its tunnels in this order; `None` is the configured one.
///
/// # Errors
/// It cannot be reached, or what is configured cannot work there.
pub(crate) async fn plan(
    app: &App,
    site: &SiteId,
    order: Option<&[TunnelId]>,
) -> Result<RouterPlan, RouterError> {
    let router = reach(app, site).await?;
    let observed = in_time(PLAN_WITHIN, observe(&router)).await?;
    answered(app, site).await;
    let desired = desired(app, site, observed.version(), order).await?;
    let row = router::of_site(&mut *app.store().read().await?, site).await?;
    let row = row.ok_or_else(|| RouterError::Unreachable("no router was adopted".into()))?;
    let memory = serde_json::from_str(&row.memory).unwrap_or_default();
    let found = plan_for(&desired, &observed, &memory);
    let tunnels = tunnel::of_site(&mut *app.store().read().await?, site).await?;
    let found = found.map_err(|refusals| RouterError::Invalid(faults(&refusals, &tunnels)))?;
    Ok(show_plan(&found, desired.mode, row.configured))
}

/// Whether the interface and the gateway of a tunnel as it is to be would do on the router of its site. A router that
/// cannot be asked now objects to nothing: the job that brings them to it looks again.
///
/// # Errors
/// They would not; with the fields, what is wrong, and what helps.
pub(crate) async fn check(app: &App, candidate: &Tunnel) -> Result<(), RouterError> {
    match refusals(app, candidate).await {
        Ok(faults) if faults.is_empty() => Ok(()),
        Ok(faults) => Err(RouterError::Invalid(faults)),
        Err(RouterError::Unreachable(_)) => Ok(()),
        Err(err) => Err(err),
    }
}

async fn refusals(app: &App, candidate: &Tunnel) -> Result<Vec<FieldFault>, RouterError> {
    let site = &candidate.site_id;
    let router = reach(app, site).await?;
    let observed = in_time(CHECK_WITHIN, observe(&router)).await?;
    let mut conn = app.store().read().await?;
    let mut tunnels = configured(&mut conn, site, None).await?;
    // The others are not what is asked about, and what one of them lacks is no fault of this one.
    tunnels.retain(|it| it.id != candidate.id && it.settings.interface.is_some());
    tunnels.push(candidate.clone());
    // What a connection is like decides nothing here, and may be entered later.
    for it in &mut tunnels {
        it.settings
            .connection_type
            .get_or_insert(ConnectionType::Other);
    }
    let version = observed.version();
    let desired = with_tunnels(app, &mut conn, site, version, &tunnels).await?;
    let own = u8::try_from(candidate.slot + 1).ok();
    let mut refusals = validate(&desired, &observed);
    refusals.retain(|refusal| refusal.slot == own);
    Ok(refusals.iter().map(|it| fault(it, None)).collect())
}

async fn in_time<T>(
    within: Duration,
    work: impl Future<Output = Result<T, ObserveError>>,
) -> Result<T, ObserveError> {
    match tokio::time::timeout(within, work).await {
        Ok(result) => result,
        Err(_) => {
            let why = format!("it did not answer within {} ms", within.as_millis());
            Err(AccessError::Away(why).into())
        }
    }
}

fn show_interface(found: LiveInterface, used_by: Option<TunnelId>) -> RouterInterface {
    let interface = found.interface;
    RouterInterface {
        name: interface.name,
        kind: interface.kind,
        running: interface.running,
        disabled: interface.disabled,
        comment: interface.comment,
        mac: Some(interface.mac).filter(|mac| !mac.is_empty()),
        addresses: interface.addresses,
        rx_bits_per_s: found.rx_bits_per_s,
        tx_bits_per_s: found.tx_bits_per_s,
        can_be_wan: interface.can_be_wan,
        reason: interface.reason,
        used_by,
    }
}

fn show_gateway(found: LiveGateway, interface: &str) -> GatewayCandidate {
    let candidate = found.candidate;
    GatewayCandidate {
        gateway: match candidate.gateway {
            Gateway::Address(address) => address.to_string(),
            Gateway::Interface => interface.into(),
        },
        source: show_source(candidate.source),
        reachable: found.reachable,
        rtt_ms: found.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
        reason: candidate.reason,
        warnings: candidate.warnings,
    }
}

fn show_source(source: holdfast_routeros_plan::Source) -> holdfast_api_types::GatewaySource {
    use holdfast_api_types::GatewaySource as Shown;
    use holdfast_routeros_plan::Source as Known;
    match source {
        Known::Dhcp => Shown::Dhcp,
        Known::Pppoe => Shown::Pppoe,
        Known::Lte => Shown::Lte,
        Known::Route => Shown::Route,
        Known::PointToPoint => Shown::PointToPoint,
        Known::Neighbor => Shown::Neighbor,
        Known::Arp => Shown::Arp,
    }
}

fn show_plan(plan: &Plan, mode: Mode, configured: bool) -> RouterPlan {
    let steps = plan.steps.iter().map(|step| RouterPlanStep {
        summary: step.summary.clone(),
        command: step.command_text(),
        undo: step.undo_text(),
    });
    RouterPlan {
        mode: show_mode(mode),
        steps: steps.collect(),
        drift: configured && !plan.is_empty(),
        text: plan.to_text(),
    }
}

/// A mode in the words of the API and of the store.
pub(crate) const fn show_mode(mode: Mode) -> RouteMode {
    match mode {
        Mode::Pushed => RouteMode::Pushed,
        Mode::Local => RouteMode::Local,
    }
}

/// What a router objects to, each told of the tunnel that it is about.
pub(crate) fn faults(refusals: &[Refusal], tunnels: &[Tunnel]) -> Vec<FieldFault> {
    let name = |refusal: &Refusal| {
        let slot = u32::from(refusal.slot?.checked_sub(1)?);
        let tunnel = tunnels.iter().find(|it| it.slot == slot)?;
        Some(tunnel.settings.name.as_str())
    };
    refusals.iter().map(|it| fault(it, name(it))).collect()
}

fn fault(refusal: &Refusal, tunnel: Option<&str>) -> FieldFault {
    let Refusal { reason, mend, .. } = refusal;
    FieldFault {
        field: refusal.field.into(),
        value: Some(refusal.value.clone()),
        message: match tunnel {
            Some(name) => format!("{name}: {reason}; {mend}"),
            None => format!("{reason}; {mend}"),
        },
    }
}

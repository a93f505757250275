//! The order that counts: what was configured, corrected by overrides and by the links' health.

use holdfast_api_types::{OverrideKind, TunnelId};

/// What moves a tunnel away from its configured rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// What an operator forces upon it.
    pub forced: Option<OverrideKind>,
    /// It is worse than its targets.
    pub degraded: bool,
}

/// The order in which tunnels rank, best first: preferred ones, healthy ones, degraded ones, avoided ones, each
/// group as configured. One that is off is not in it.
pub fn effective(configured: impl IntoIterator<Item = (TunnelId, Standing)>) -> Vec<TunnelId> {
    let mut ranked: Vec<(u8, TunnelId)> = configured
        .into_iter()
        .filter_map(|(tunnel, standing)| Some((group(standing)?, tunnel)))
        .collect();
    ranked.sort_by_key(|(group, _)| *group);
    ranked.into_iter().map(|(_, tunnel)| tunnel).collect()
}

fn group(standing: Standing) -> Option<u8> {
    match (standing.forced, standing.degraded) {
        (Some(OverrideKind::Prefer), _) => Some(0),
        (None, false) => Some(1),
        (None, true) => Some(2),
        (Some(OverrideKind::Avoid), _) => Some(3),
        (Some(OverrideKind::Off), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(configured: &str, expected: &str) {
        let configured = configured.split(' ').map(|text| {
            let (name, mark) = text.split_once(':').unwrap_or((text, ""));
            let standing = Standing {
                forced: mark.parse().ok(),
                degraded: mark == "degraded",
            };
            (name.parse().unwrap(), standing)
        });
        let names: Vec<String> = effective(configured)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn without_reasons_the_configured_order_stands() {
        check("a b c", "a b c");
    }

    #[test]
    fn preferred_come_first_then_healthy_then_degraded_then_avoided_and_off_are_out() {
        check(
            "a:avoid b:degraded c d:off e:prefer f g:degraded h:avoid",
            "e c f b g a h",
        );
    }

    #[test]
    fn when_all_are_degraded_nothing_moves() {
        check("a:degraded b:degraded c:degraded", "a b c");
    }
}

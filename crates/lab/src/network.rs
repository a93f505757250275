//! The test bed without the programs: namespaces and what joins them.

use std::{net::Ipv4Addr, sync::Arc};

use crate::{
    emulator::{Emulator, WireHandle},
    namespace::Namespace,
    net::Net,
    tap::Tap,
    topology::{Isp, LAN_GATEWAY, LAN_HOST, Layout, Plan, TARGET},
    wire::Conditions,
};

const ANYWHERE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// ```text
/// lan ──veth── router ══wan1══ isp1 ══up1══ inet
///                     ══wan2══ isp2 ══up2══
///                     ...
/// ```
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) lan: Arc<Namespace>,
    pub(crate) router: Arc<Namespace>,
    pub(crate) inet: Arc<Namespace>,
    pub(crate) lines: Vec<Line>,
    // After the wires' users, so that it ends last.
    _emulator: Emulator,
}

/// One internet connection.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) isp: Isp,
    pub(crate) plan: Plan,
    pub(crate) namespace: Namespace,
    /// Between the router and the ISP.
    pub(crate) access: WireHandle,
    /// Between the ISP and the internet.
    pub(crate) uplink: WireHandle,
}

impl Network {
    /// `bare` leaves the router's interfaces without addresses, routes and translation, for a router that has its own.
    pub(crate) fn build(isps: Vec<Isp>, layout: Layout, bare: bool) -> anyhow::Result<Self> {
        let emulator = Emulator::start()?;
        let lan = Namespace::create("lan")?;
        let router = Namespace::create("router")?;
        let inet = Namespace::create("inet")?;
        join_lan(&lan, &router)?;
        router.run(move |net| set_up_router(net, bare))?;
        inet.run(|net| {
            net.set_ipv4("ip_forward", "1")?;
            net.add_address("lo", TARGET, 32)
        })?;
        let lines = (1..)
            .zip(isps)
            .map(|(number, isp)| {
                let plan = Plan { number, layout };
                Line::build(plan, isp, &emulator, &router, &inet, bare)
            })
            .collect::<anyhow::Result<_>>()?;
        let (lan, router, inet) = (Arc::new(lan), Arc::new(router), Arc::new(inet));
        Ok(Self {
            lan,
            router,
            inet,
            lines,
            _emulator: emulator,
        })
    }

    /// All namespaces, from the site to the internet.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        let isps = self.lines.iter().map(|line| &line.namespace);
        [&*self.lan, &*self.router]
            .into_iter()
            .chain(isps)
            .chain([&*self.inet])
    }
}

impl Line {
    fn build(
        plan: Plan,
        isp: Isp,
        emulator: &Emulator,
        router: &Namespace,
        inet: &Namespace,
        bare: bool,
    ) -> anyhow::Result<Self> {
        let namespace = Namespace::create(&format!("isp{}", plan.number))?;
        let wan = plan.wan_interface();
        let up = format!("up{}", plan.number);

        let near = plug(router, &wan, (!bare).then(|| plan.wan()), 24)?;
        let far = plug(&namespace, CUSTOMER, Some(plan.gateway()), 24)?;
        let access = emulator.connect(near, far, isp.line);

        let near = plug(&namespace, "up", Some(plan.uplink_isp()), 30)?;
        let far = plug(inet, &up, Some(plan.uplink_inet()), 30)?;
        let uplink = emulator.connect(near, far, Conditions::default());

        if !bare {
            let metric = plan.own_route_metric();
            router.run(move |net| net.add_route(ANYWHERE, 0, plan.gateway(), metric))?;
        }
        namespace.run(move |net| {
            net.set_ipv4("ip_forward", "1")?;
            // A gateway that moves keeps its new address when the old one goes.
            net.set_ipv4("conf/all/promote_secondaries", "1")?;
            net.add_route(ANYWHERE, 0, plan.uplink_inet(), 0)
        })?;
        inet.run(move |net| {
            if plan.number == 1 || !plan.layout.one_address {
                net.add_address("lo", *plan.slot().ip(), 32)?;
            }
            net.add_route(plan.wan(), 32, plan.uplink_isp(), 0)
        })?;
        Ok(Self {
            isp,
            plan,
            namespace,
            access,
            uplink,
        })
    }
}

impl Line {
    /// The gateway has the address that it has after so many changes, besides those that it had.
    pub(crate) fn add_gateway(&self, changes: u8) -> anyhow::Result<()> {
        let gateway = self.plan.gateway_after(changes);
        self.namespace
            .run(move |net| net.add_address(CUSTOMER, gateway, 24))
    }

    /// It no longer has the address that it had after so many changes.
    pub(crate) fn remove_gateway(&self, changes: u8) -> anyhow::Result<()> {
        let gateway = self.plan.gateway_after(changes);
        self.namespace
            .run(move |net| net.remove_address(CUSTOMER, gateway))
    }
}

/// The ISP's interface to the site.
const CUSTOMER: &str = "cust";

/// An interface, with an address if it is given one, whose cable is still in our hands.
fn plug(
    namespace: &Namespace,
    name: &str,
    address: Option<Ipv4Addr>,
    prefix: u8,
) -> anyhow::Result<Tap> {
    let name = name.to_owned();
    namespace.run(move |net| {
        let tap = Tap::create(&name)?;
        if let Some(address) = address {
            net.add_address(&name, address, prefix)?;
        }
        net.link_up(&name)?;
        Ok(tap)
    })
}

fn join_lan(lan: &Namespace, router: &Namespace) -> anyhow::Result<()> {
    let to = router.file()?;
    lan.run(move |net| {
        net.add_veth("eth0", "lan", &to)?;
        net.add_address("eth0", LAN_HOST, 24)?;
        net.link_up("eth0")
    })?;
    router.run(|net| {
        net.add_address("lan", LAN_GATEWAY, 24)?;
        net.link_up("lan")
    })?;
    lan.run(|net| net.add_route(ANYWHERE, 0, LAN_GATEWAY, 0))
}

/// A small office's router: translates the site's addresses to each connection's own, and lets a route go as soon as
/// its cable is out. Replies may come from anywhere, so the reverse path is not checked.
fn set_up_router(net: &Net, bare: bool) -> anyhow::Result<()> {
    net.set_ipv4("ip_forward", "1")?;
    for which in ["all", "default"] {
        net.set_ipv4(&format!("conf/{which}/rp_filter"), "0")?;
        net.set_ipv4(&format!("conf/{which}/ignore_routes_with_linkdown"), "1")?;
    }
    if bare {
        return Ok(());
    }
    net.nft(
        "table ip site {
            chain leaving {
                type nat hook postrouting priority srcnat
                oifname \"wan*\" masquerade
            }
        }",
    )
}

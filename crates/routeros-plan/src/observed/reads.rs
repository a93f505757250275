//! Which menus are read, and which of their fields.

use holdfast_routeros_proto::{Command, Feature, Query, Version};

use crate::Menu;

/// One `print` of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest {
    /// What is printed.
    pub menu: Menu,
    /// The fields, separated by commas.
    pub proplist: &'static str,
    /// Which rows.
    pub query: Query,
    /// Whether a router may do without this menu: an error then is an empty answer.
    pub optional: bool,
}

impl ReadRequest {
    fn all(menu: Menu, proplist: &'static str) -> Self {
        Self {
            menu,
            proplist,
            query: Query::all(),
            optional: false,
        }
    }

    fn matching(self, query: Query) -> Self {
        Self { query, ..self }
    }

    fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// The command of the API.
    pub fn to_command(&self) -> Command {
        Command::print(self.menu.path())
            .with(".proplist", self.proplist)
            .matching(self.query.clone())
    }
}

/// Routers may hold a million routes. Ours have comments, and of the others only default routes, static ones and what
/// tunnels brought are of interest. Whether a route that is switched off is `static` differs between releases.
fn routes() -> Query {
    Query::any([
        Query::has("comment"),
        Query::equals("static", "true"),
        Query::equals("disabled", "true"),
        Query::equals("vpn", "true"),
        Query::equals("dst-address", "0.0.0.0/0"),
    ])
}

/// Links and how they reach the internet.
pub(super) fn for_interfaces() -> Vec<ReadRequest> {
    let all = ReadRequest::all;
    vec![
        all(
            Menu::Interface,
            ".id,name,type,running,disabled,dynamic,slave,mac-address,comment",
        ),
        all(
            Menu::InterfaceListMember,
            ".id,list,interface,disabled,dynamic,comment",
        ),
        all(
            Menu::PppoeClient,
            ".id,name,interface,running,disabled,add-default-route,default-route-distance",
        ),
        all(Menu::Lte, ".id,name,running,disabled,apn-profiles").optional(),
        all(
            Menu::LteApn,
            ".id,name,add-default-route,default-route-distance",
        )
        .optional(),
        all(Menu::BridgePort, ".id,interface,bridge,disabled"),
        all(Menu::Vlan, ".id,name,interface,vlan-id"),
        all(
            Menu::DetectInternet,
            "detect-interface-list,wan-interface-list",
        )
        .optional(),
        all(
            Menu::Address,
            ".id,address,network,interface,actual-interface,dynamic,invalid,disabled",
        ),
        all(
            Menu::Route,
            ".id,dst-address,routing-table,gateway,immediate-gw,pref-src,distance,scope,target-scope,check-gateway,\
             blackhole,comment,dynamic,disabled,inactive,active,static,dhcp,vpn,modem",
        )
        .matching(routes()),
        all(
            Menu::DhcpClient,
            ".id,interface,status,address,gateway,dhcp-server,add-default-route,default-route-distance,\
             default-route-tables,script,disabled,invalid,dynamic,comment",
        ),
        all(Menu::Vrf, ".id,name,interfaces,disabled").optional(),
    ]
}

pub(super) fn for_plan(version: &Version) -> Vec<ReadRequest> {
    let all = ReadRequest::all;
    let mut reads = for_interfaces();
    reads.extend([
        all(
            Menu::Resource,
            "version,board-name,architecture-name,uptime",
        ),
        all(Menu::InterfaceList, ".id,name,dynamic,builtin,comment"),
        all(
            Menu::OvpnClient,
            ".id,name,connect-to,port,protocol,mode,user,profile,certificate,verify-server-certificate,tls-version,\
             auth,cipher,use-peer-dns,add-default-route,route-nopull,max-mtu,disabled,running,comment",
        ),
        all(
            Menu::Filter,
            ".id,chain,action,protocol,dst-port,src-address,in-interface-list,disabled,dynamic,comment",
        )
        .matching(Query::equals("chain", "input")),
        all(
            Menu::Mangle,
            ".id,chain,action,protocol,dst-address,dst-port,new-routing-mark,passthrough,disabled,dynamic,comment",
        )
        .matching(Query::equals("chain", "output")),
        all(
            Menu::Nat,
            ".id,chain,action,protocol,dst-address,dst-port,out-interface,out-interface-list,disabled,dynamic,comment",
        )
        .matching(Query::equals("chain", "srcnat")),
        all(Menu::Service, ".id,name,port,disabled,address,dynamic"),
        all(Menu::IpSettings, "rp-filter"),
        all(
            Menu::PppProfile,
            ".id,name,interface-list,on-up,on-down,comment",
        ),
        all(Menu::RoutingTable, ".id,name,fib,disabled,dynamic,comment"),
        all(Menu::Certificate, ".id,name,fingerprint,trusted"),
        all(
            Menu::Scheduler,
            ".id,name,interval,on-event,policy,disabled,comment",
        ),
        all(Menu::Script, ".id,name,source,policy,comment"),
        all(
            Menu::Netwatch,
            ".id,host,type,interval,timeout,packet-count,packet-interval,thr-loss-percent,thr-avg,thr-max,thr-stdev,\
             thr-jitter,startup-delay,down-script,disabled,comment",
        ),
    ]);
    if version.has(Feature::DeviceMode) {
        reads.push(all(Menu::DeviceMode, "mode,scheduler,fetch,flagged").optional());
    }
    if version.has(Feature::SafeModeMenu) {
        reads.push(all(Menu::SafeMode, "enabled,user").optional());
    }
    reads
}

pub(super) fn for_gateways(interface: &str) -> Vec<ReadRequest> {
    let on_it = Query::equals("interface", interface);
    vec![
        ReadRequest::all(
            Menu::Arp,
            ".id,address,mac-address,interface,complete,status,disabled",
        )
        .matching(on_it.clone()),
        ReadRequest::all(
            Menu::Neighbor,
            ".id,interface,address,mac-address,identity,platform,board",
        )
        .matching(on_it),
    ]
}

//! What the settings say of a router, written into its menus at the start.

use holdfast_routeros_proto::Row;

use crate::{
    model::Database,
    settings::{InterfaceKind, InterfaceSettings, Settings},
};

/// Fills in the hardware, the users and the name.
pub(crate) fn furnish(database: &mut Database, settings: &Settings) {
    set_single(
        database,
        "/system/identity",
        &[("name", &settings.identity)],
        true,
    );
    let version = settings.version.to_string();
    let resource = [
        ("uptime", "0s"),
        ("version", &format!("{} (stable)", settings.version)),
        ("free-memory", "805306368"),
        ("total-memory", "1073741824"),
        ("cpu", "QEMU"),
        ("cpu-count", "2"),
        ("cpu-load", "3"),
        ("free-hdd-space", "67108864"),
        ("total-hdd-space", "134217728"),
        ("architecture-name", "x86_64"),
        ("board-name", &settings.board),
        ("platform", "MikroTik"),
    ];
    set_single(database, "/system/resource", &resource, false);
    let routerboard = [
        ("routerboard", "true"),
        ("model", settings.board.as_str()),
        ("serial-number", &settings.serial),
        ("current-firmware", &version),
        ("upgrade-firmware", &version),
    ];
    // A virtual machine has no board, and so no serial number to show there.
    let is_virtual = settings.board == "CHR";
    let shown = if is_virtual {
        &[("routerboard", "false")][..]
    } else {
        &routerboard[..]
    };
    set_single(database, "/system/routerboard", shown, false);
    let license = [
        ("software-id", settings.serial.as_str()),
        ("level", "p-unlimited"),
    ];
    set_single(database, "/system/license", &license, false);
    set_device_mode(database, settings);
    let package = Row::new()
        .with("name", "routeros")
        .with("version", &version);
    database.add_item("/system/package", &package);
    for interface in &settings.interfaces {
        add_interface(database, interface);
    }
    database.call_it_new();
    for certificate in &settings.certificates {
        let mut row = Row::new()
            .with("name", &certificate.name)
            .with("trusted", certificate.trusted.to_string())
            .with("pem", &certificate.pem);
        if let Some(key) = &certificate.key {
            row.set("private-key", "true");
            row.set("key-pem", key);
        }
        database.add_item("/certificate", &row);
    }
    for user in &settings.users {
        let row = Row::new()
            .with("name", &user.name)
            .with("password", &user.password)
            .with("group", &user.group);
        database.add_item("/user", &row);
    }
}

pub(crate) fn set_device_mode(database: &mut Database, settings: &Settings) {
    let mode = &settings.device_mode;
    let yes_no = |holds: bool| if holds { "yes" } else { "no" };
    let rows = [
        ("mode", mode.mode.as_str()),
        ("fetch", yes_no(mode.fetch)),
        ("scheduler", yes_no(mode.scheduler)),
        ("flagged", if mode.flagged { "true" } else { "false" }),
    ];
    set_single(database, "/system/device-mode", &rows, false);
}

fn set_single(database: &mut Database, menu: &str, fields: &[(&'static str, &str)], values: bool) {
    let Some(id) = database.single(menu).map(|item| item.id) else {
        return;
    };
    for (name, value) in fields {
        let value = Some((*value).to_owned());
        if values {
            database.set_value(menu, id, name, value);
        } else {
            database.set_state(menu, id, name, value);
        }
    }
}

fn add_interface(database: &mut Database, interface: &InterfaceSettings) {
    let menu = match interface.kind {
        InterfaceKind::Ethernet => "/interface/ethernet",
        InterfaceKind::Lte => "/interface/lte",
    };
    let row = Row::new()
        .with("name", &interface.name)
        .with("default-name", &interface.name);
    let Some(id) = database.add_item(menu, &row) else {
        return;
    };
    let device = interface.device.as_ref().unwrap_or(&interface.name);
    database.set_state(menu, id, "device", Some(device.clone()));
    let [.., a, b] = id.0.to_be_bytes();
    let mac = format!("02:48:46:00:{a:02X}:{b:02X}");
    database.set_value(menu, id, "mac-address", Some(mac));
}

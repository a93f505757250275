//! What single menus ask of their items beyond the kinds of their fields.

use holdfast_routeros_proto::{Category, Trap, value::Prefix};

use super::{
    command::{Caller, failure, not_permitted},
    database::Database,
    execute::Wanted,
    item::{Id, Item},
    schema::MenuSpec,
    value::policies,
};

/// Fills in what follows from the rest when an item is added.
pub(super) fn complete(database: &Database, spec: &MenuSpec, wanted: &mut Wanted) {
    complete_change(spec, wanted);
    // Rights that nobody spoke of are asked for too.
    if matches!(spec.path, "/system/script" | "/system/scheduler")
        && let Some(field) = spec.field("policy", database.version())
    {
        let usual = field.default.map(str::to_owned);
        wanted.entry("policy").or_insert(usual);
    }
    if let Some(kind) = spec.interface_type
        && wanted.get("name").is_none_or(Option::is_none)
    {
        let free = (1..)
            .map(|number| format!("{kind}{number}"))
            .find(|name| database.named("/interface", name).is_none());
        wanted.insert("name", free);
    }
    if spec.path == "/ip/dhcp-client"
        && spec.field("name", database.version()).is_some()
        && !wanted.contains_key("name")
    {
        let named = wanted.get("interface").cloned().flatten();
        wanted.insert("name", named.map(|interface| format!("client-{interface}")));
    }
}

/// Fills in what follows from the rest of a change.
pub(super) fn complete_change(spec: &MenuSpec, wanted: &mut Wanted) {
    if spec.path == "/ip/address"
        && !wanted.contains_key("network")
        && let Some(Some(address)) = wanted.get("address")
        && let Ok(prefix) = address.parse::<Prefix>()
    {
        wanted.insert("network", Some(prefix.network().address.to_string()));
    }
}

/// Signs what belongs to whoever made it, and gives it what RouterOS makes up.
pub(super) fn sign(database: &mut Database, spec: &MenuSpec, id: Id, caller: &Caller) {
    match spec.path {
        "/system/script" | "/system/scheduler" => {
            database.set_state(spec.path, id, "owner", Some(caller.user.clone()));
            database.set_state(spec.path, id, "run-count", Some("0".into()));
        }
        "/interface/ovpn-client" => {
            let item = database.item(spec.path, id);
            if item.is_some_and(|item| item.get("mac-address").is_none()) {
                let [.., a, b] = id.0.to_be_bytes();
                let mac = format!("FE:48:46:00:{a:02X}:{b:02X}");
                database.set_value(spec.path, id, "mac-address", Some(mac));
            }
        }
        _other => {}
    }
}

/// Whether an item may become what is wanted. `id` is none for a new one.
pub(super) fn check(
    database: &Database,
    spec: &'static MenuSpec,
    caller: &Caller,
    id: Option<Id>,
    wanted: &Wanted,
) -> Result<(), Trap> {
    let item = id.and_then(|id| database.item(spec.path, id));
    let get = |name: &str| match wanted.get(name) {
        Some(value) => value.as_deref(),
        None => item.and_then(|item| item.get(name)),
    };
    check_unique(database, spec, id, &get)?;
    match spec.path {
        "/ip/route" if get("gateway").is_none() && get("blackhole").is_none() => {
            Err(failure("Invalid route configuration"))
        }
        "/interface/ovpn-client" => {
            let most = database.version().password_length();
            if get("password").is_some_and(|password| password.chars().count() > most) {
                let message =
                    format!("value of password should not be longer than {most} characters");
                return Err(Trap::of(Category::Argument, message));
            }
            Ok(())
        }
        "/system/script" => check_policies(caller, &get),
        "/system/scheduler" => {
            check_policies(caller, &get)?;
            if item.is_none() {
                check_device_mode(database)
            } else {
                Ok(())
            }
        }
        "/user/group" if item.is_some_and(|item| item.builtin) && wanted.contains_key("name") => {
            Err(failure("can not rename default group"))
        }
        _other => Ok(()),
    }
}

fn check_unique<'a>(
    database: &Database,
    spec: &'static MenuSpec,
    id: Option<Id>,
    get: &impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Trap> {
    if spec.unique.is_empty() {
        return Ok(());
    }
    let alike = |item: &Item| {
        let same = |name: &&str| item.get(name).is_some() && item.get(name) == get(name);
        Some(item.id) != id && item.owner.is_none() && spec.unique.iter().all(same)
    };
    // Names of interfaces are unique among all of them.
    let menu = if spec.interface_type.is_some() {
        "/interface"
    } else {
        spec.path
    };
    if !database.items(menu).any(alike) {
        return Ok(());
    }
    Err(match spec.path {
        "/user" => failure("user with the same name already exists"),
        "/user/group" => failure("group with the same name already exists"),
        _ if spec.unique == ["name"] => {
            failure(format!("already have {} with such name", spec.noun))
        }
        _other => failure(format!("already have such {}", spec.noun)),
    })
}

/// Nobody gives a script more rights than they have.
fn check_policies<'a>(caller: &Caller, get: &impl Fn(&str) -> Option<&'a str>) -> Result<(), Trap> {
    let Some(wanted) = get("policy").and_then(policies) else {
        return Ok(());
    };
    if caller.policies.covers(&wanted) {
        Ok(())
    } else {
        Err(not_permitted())
    }
}

fn check_device_mode(database: &Database) -> Result<(), Trap> {
    let Some(mode) = database.single("/system/device-mode") else {
        return Ok(());
    };
    if mode.get("scheduler") == Some("no") {
        return Err(failure("not allowed by device-mode"));
    }
    if mode.is("flagged") {
        return Err(failure(
            "configuration flagged, check all router configuration for unauthorized changes and \
             update device-mode",
        ));
    }
    Ok(())
}

use crate::{Kind, Menu, Tag, names, script::quoted_text};

/// Removes what adoption has brought, in an order in which nothing is in use any more, and itself at the end.
pub(crate) fn release() -> String {
    let tagged = |menu: Menu, kind| (menu, "comment", Tag::of(kind).to_string());
    let named = |menu: Menu, name: &str| (menu, "name", name.to_owned());
    let removed = [
        tagged(Menu::Scheduler, Kind::CheckIn),
        tagged(Menu::Script, Kind::CheckIn),
        tagged(Menu::Script, Kind::Before),
        tagged(Menu::OvpnClient, Kind::Management),
        tagged(Menu::PppProfile, Kind::Management),
        tagged(Menu::Filter, Kind::Accept),
        tagged(Menu::Filter, Kind::AcceptProbes),
        tagged(Menu::InterfaceList, Kind::List),
        named(Menu::Certificate, names::AUTHORITY),
        named(Menu::Certificate, names::OLD_AUTHORITY),
        tagged(Menu::User, Kind::Management),
        named(Menu::UserGroup, names::GROUP),
        named(Menu::Scheduler, names::RELEASE),
    ];
    let mut commands = vec![format!("/system/script run {}", names::BEFORE)];
    commands.extend(removed.map(|(menu, field, value)| {
        format!(
            "{} remove [find {field}={}]",
            menu.path(),
            quoted_text(&value)
        )
    }));
    let lines: Vec<_> = commands
        .iter()
        .map(|command| format!(":do {{ {command} }} on-error={{}}"))
        .collect();
    lines.join("\n")
}

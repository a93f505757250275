//! What puts the old configuration back unless it is called off.

use crate::{Attribute, Attributes, Change, Kind, Menu, Observed, Plan, Tag, Undo, names};

/// A script on the router that waits, and undoes the steps of one plan.
///
/// Armed before the first step, called off at the [commit point](Plan::commit_point) by somebody who has seen that the
/// router still answers. The caller stops sending steps well before the time is over: a step that is sent after the dead
/// man has gone would leave the router between two states. That it is gone shows in
/// [`Observed::dead_man_is_armed`], and in that [`Self::disarm`] finds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMan {
    /// What arms it, in order.
    pub arm: Vec<Change>,
    /// What calls it off, in order: first the clock, then the script.
    pub disarm: Vec<Change>,
}

/// The dead man that guards `plan`, and goes off after so many seconds.
///
/// What it does can be done any number of times, at any point of the plan, and ends with its own removal.
pub fn dead_man(observed: &Observed, plan: &Plan, seconds: u32) -> DeadMan {
    let plain = Attribute::plain;
    let comment = Tag::of(Kind::DeadMan).to_string();
    let named = |fields: &[(&str, &str)]| {
        let mut attributes = vec![plain("name", names::DEAD_MAN)];
        attributes.extend(fields.iter().map(|(name, value)| plain(name, value)));
        attributes.push(plain("policy", "read,write,test"));
        attributes.push(plain("comment", &comment));
        Attributes(attributes)
    };
    let add = |menu, attributes| Change::Add {
        menu,
        attributes,
        place_before: None,
    };
    let interval = format!("{seconds}s");
    let mut arm = leftovers(observed);
    arm.push(add(Menu::Script, named(&[("source", &script(plan))])));
    let clock = [
        ("interval", interval.as_str()),
        ("on-event", names::DEAD_MAN),
    ];
    arm.push(add(Menu::Scheduler, named(&clock)));
    let remove = |menu| Change::Remove {
        menu,
        id: names::DEAD_MAN.into(),
    };
    DeadMan {
        arm,
        disarm: vec![remove(Menu::Scheduler), remove(Menu::Script)],
    }
}

/// An earlier one, whose plan was given up.
fn leftovers(observed: &Observed) -> Vec<Change> {
    [Menu::Scheduler, Menu::Script]
        .into_iter()
        .flat_map(|menu| observed.rows(menu).iter().map(move |row| (menu, row)))
        .filter(|(_, row)| row.text("name") == names::DEAD_MAN)
        .map(|(menu, row)| Change::Remove {
            menu,
            id: row.text(".id").into(),
        })
        .collect()
}

/// Each line for itself, so that one that fails takes no other with it.
fn script(plan: &Plan) -> String {
    let mut lines = vec![
        format!("# {}", Tag::of(Kind::DeadMan)),
        ":log info \"Holdfast: the last change was not confirmed, restoring the configuration before it\"".into(),
    ];
    let guarded = &plan.steps[..plan.commit_point()];
    let undone = guarded
        .iter()
        .rev()
        .filter_map(|step| step.undo.as_ref())
        .filter(|undo| **undo != Undo::Keep)
        .map(ToString::to_string);
    let own = [Menu::Scheduler, Menu::Script]
        .map(|menu| format!("{} remove [find name=\"{}\"]", menu.path(), names::DEAD_MAN));
    let each = undone.chain(own);
    lines.extend(each.map(|command| format!(":do {{ {command} }} on-error={{}}")));
    lines.join("\n")
}

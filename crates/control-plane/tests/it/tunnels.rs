//! Tunnels: configuration, profile, password, overrides, history, measurements.

use holdfast_api_types::UserRole::{Operator, Viewer};
use holdfast_store::health::{self, Sample};
use serde_json::{Value, json};

use crate::{
    estate::{config, enabled_site, text},
    support::{START, TestApp},
};

/// The name of the field at fault.
#[track_caller]
fn field(error: &Value) -> &str {
    error["fields"][0]["field"].as_str().unwrap()
}

#[tokio::test]
async fn a_tunnel_is_configured_bit_by_bit_and_null_clears() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (_, [one, _]) = enabled_site(&us, "one").await;
    let path = format!("/tunnels/{one}");
    let set = async |wish: Value| us.patch(&path, wish).await.expect(200);

    let tunnel = set(json!({ "gateway": "192.0.2.1", "interface": "ether1" })).await;
    assert_eq!(
        (&tunnel["state"], &tunnel["cause"]),
        (
            &json!("unconfigured"),
            &json!("it has no connection type yet")
        )
    );
    let tunnel = set(json!({ "connection_type": "fibre", "sla_loss_percent": 0.5 })).await;
    assert_eq!(
        (&tunnel["state"], &tunnel["gateway"]),
        (&json!("never-seen"), &json!("192.0.2.1"))
    );
    assert_eq!(tunnel["probing"]["profile"], "fast");
    assert_eq!(
        tunnel["probing"]["active_bytes_per_month"],
        25_920_000u64 * 328
    );
    assert_eq!(tunnel["sla_loss_percent"], 0.5);

    assert_eq!(
        set(json!({ "metered": true })).await["probing"]["profile"],
        "saver"
    );
    assert_eq!(
        set(json!({ "probe_profile": "normal" })).await["probing"]["profile"],
        "normal"
    );
    assert_eq!(
        set(json!({ "probe_profile": null })).await["probing"]["profile"],
        "saver"
    );
    let tunnel = set(json!({ "gateway": null, "sla_loss_percent": null })).await;
    assert_eq!(
        (&tunnel["gateway"], &tunnel["sla_loss_percent"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(
        (&tunnel["state"], &tunnel["interface"]),
        (&json!("unconfigured"), &json!("ether1"))
    );
    let states = us.get(&format!("{path}/states?limit=2")).await.expect(200);
    let first: Vec<_> = states["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(first, ["unconfigured", "never-seen"]);
    let rest = us
        .get(&format!("{path}/states?after={}", text(&states["next"])))
        .await
        .expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_tunnel_cannot_be_is_refused_with_field_value_and_mend() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (_, [one, _]) = enabled_site(&us, "one").await;
    let path = format!("/tunnels/{one}");
    for (name, value, mend) in [
        ("gateway", json!("10.0.0.300"), "as 192.0.2.1"),
        ("gateway", json!("198.18.0.1"), "198.18.0.0/15"),
        ("gateway", json!("224.0.0.1"), "multicast"),
        ("gateway", json!("pppoe-out1"), "adopted MikroTik router"),
        ("interface", json!("eth 0"), "as ether1"),
        ("name", json!("wan 2"), "choose another"),
        ("name", json!(null), "expected a string"),
        ("connection_type", json!("pigeon"), "expected one of"),
        ("sla_latency_ms", json!(0), "from 1 to 60000"),
        ("sla_loss_percent", json!(101), "0 to 100"),
        ("policy_failover", json!("drain"), "drain_min"),
        ("drain_min", json!(5), "policy drain"),
        ("rank", json!(1), "unknown field"),
    ] {
        let error = us.patch(&path, json!({ name: value })).await.error(422);
        assert_eq!(field(&error), name, "{error}");
        assert!(
            text(&error["message"]).contains(mend),
            "{name} {value}: {error}"
        );
    }
    let drain = json!({ "policy_failback": "drain", "drain_min": 10 });
    assert_eq!(us.patch(&path, drain).await.expect(200)["drain_min"], 10);
    let error = us
        .patch(&path, json!({ "drain_min": null }))
        .await
        .error(422);
    assert_eq!(field(&error), "policy_failback");
    let keep = us
        .patch(&path, json!({ "policy_failback": "keep" }))
        .await
        .expect(200);
    assert_eq!(keep["drain_min"], json!(null));
}

#[tokio::test]
async fn two_operators_do_not_overwrite_each_other_if_they_send_what_they_saw() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (_, [one, _]) = enabled_site(&us, "one").await;
    let path = format!("/tunnels/{one}");
    let etag = us.get(&path).await.header("etag").to_owned();
    let careful = us.clone().header("if-match", &etag);
    let answer = careful.patch(&path, json!({ "provider": "A" })).await;
    answer.expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    careful
        .patch(&path, json!({ "provider": "B" }))
        .await
        .error(412);
    us.patch(&path, json!({ "provider": "C" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_site_has_two_to_eight_tunnels_and_slots_stay() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    let path = format!("/sites/{site}/tunnels");
    us.delete(&format!("/tunnels/{one}")).await.error(409);
    let third = json!({ "name": "LTE", "gateway": "192.0.2.9", "connection_type": "lte" });
    let third = us.post(&path, third).await.expect(201);
    assert_eq!((&third["rank"], &third["slot"]), (&json!(2), &json!(3)));
    assert_eq!(
        (&third["state"], &third["probing"]["profile"]),
        (&json!("never-seen"), &json!("saver"))
    );

    us.delete(&format!("/tunnels/{one}")).await.expect(204);
    let second = us.get(&format!("/tunnels/{two}")).await.expect(200);
    assert_eq!((&second["rank"], &second["slot"]), (&json!(0), &json!(2)));
    let next = us.post(&path, json!({})).await.expect(201);
    assert_eq!(
        (&next["rank"], &next["slot"], &next["name"]),
        (&json!(2), &json!(1), &json!("WAN 1"))
    );
    for _ in 0..5 {
        us.post(&path, json!({})).await.expect(201);
    }
    us.post(&path, json!({})).await.error(409);
    let listed = us.get(&path).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 8);
    let addresses: std::collections::BTreeSet<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tunnel| text(&tunnel["address"]))
        .collect();
    assert_eq!(addresses.len(), 8);
}

#[tokio::test]
async fn the_fleet_is_listed_by_site_state_provider_and_text() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, _]) = enabled_site(&us, "one").await;
    enabled_site(&us, "two").await;
    let wish = json!({ "provider": "Acme", "gateway": "192.0.2.7", "connection_type": "fibre" });
    us.patch(&format!("/tunnels/{one}"), wish).await.expect(200);
    let count = async |query: &str| {
        let page = us.get(&format!("/tunnels?{query}")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count(&format!("site={site}")).await, 2);
    assert_eq!(count("state=never-seen").await, 1);
    assert_eq!(count("state=unconfigured&text=wan").await, 3);
    assert_eq!(count("provider=Acme").await, 1);
    assert_eq!(count("text=0.2.7").await, 1);
    us.get("/tunnels?state=asleep").await.error(422);
}

#[tokio::test]
async fn the_profile_dials_the_slot_and_shows_the_password_that_is_good() {
    let app = TestApp::with(config()).await;
    let ours = app.organization("ours").await;
    let us = ours.token(Operator).await;
    let (site, [_, two]) = enabled_site(&us, "Head office").await;
    let path = format!("/tunnels/{two}/profile");
    ours.token(Viewer).await.get(&path).await.error(403);
    let profile = us.get(&path).await;
    assert_eq!(profile.status, 200, "{}", profile.text);
    assert!(profile.header("content-type").starts_with("text/plain"));
    let name = "attachment; filename=\"holdfast-head-office-wan-2.ovpn\"";
    assert_eq!(profile.header("content-disposition"), name);
    assert!(
        profile.text.contains("\nremote 203.0.113.2 443\n"),
        "{}",
        profile.text
    );
    assert!(profile.text.contains(&format!("<auth-user-pass>\n{two}\n")));
    assert_eq!(us.get(&path).await.text, profile.text);

    let renewed = us
        .post(&format!("/tunnels/{two}/credentials"), json!({}))
        .await
        .expect(201);
    assert_eq!(renewed["username"], two);
    let password = text(&renewed["password"]);
    assert!(!profile.text.contains(&password));
    assert!(us.get(&path).await.text.contains(&password));

    for _ in 0..2 {
        us.post(&format!("/sites/{site}/tunnels"), json!({}))
            .await
            .expect(201);
    }
    let tunnels = us.get(&format!("/sites/{site}/tunnels")).await.expect(200);
    let fourth = text(&tunnels["items"][3]["id"]);
    let error = us
        .get(&format!("/tunnels/{fourth}/profile"))
        .await
        .error(409);
    assert!(
        text(&error["message"]).contains("[[controller.slots]]"),
        "{error}"
    );
}

#[tokio::test]
async fn an_override_has_an_author_a_reason_and_an_end() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let us = ours.browser(Operator).await;
    let (_, [one, _]) = enabled_site(&us, "one").await;
    let path = format!("/tunnels/{one}/override");
    let wish =
        |end: &str| json!({ "kind": "avoid", "reason": "works on the line", "expires_at": end });
    for end in [START, "2027-02-22T10:00:01Z"] {
        let error = us.put(&path, wish(end)).await.error(422);
        assert_eq!(field(&error), "expires_at");
    }
    let error = us
        .put(&path, json!({ "kind": "off", "reason": " " }))
        .await
        .error(422);
    assert_eq!(field(&error), "reason");

    let tunnel = us
        .put(&path, wish("2027-02-21T10:00:00Z"))
        .await
        .expect(200);
    let forced = &tunnel["override"];
    assert_eq!(
        (&forced["kind"], &forced["reason"]),
        (&json!("avoid"), &json!("works on the line"))
    );
    assert_eq!(
        (text(&forced["by"]), text(&forced["at"])),
        (ours.email(Operator), START.to_owned())
    );
    us.delete(&path).await.expect(204);
    us.delete(&path).await.expect(204);
    assert_eq!(
        us.get(&format!("/tunnels/{one}")).await.expect(200)["override"],
        json!(null)
    );
}

#[tokio::test]
async fn measurements_come_as_columns_with_gaps() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (_, [one, _]) = enabled_site(&us, "one").await;
    let path = format!("/tunnels/{one}/health");
    let now = app.app.clock().now();
    let mut samples = [None; 60];
    samples[58] = Some(Sample {
        probes: 10,
        lost: 1,
        rtt_us: Some(12_500),
        jitter_us: None,
    });
    let mut write = app.app.store().write().await.unwrap();
    let tunnel = one.parse().unwrap();
    health::record(&mut write, &tunnel, health::minute_of(now) - 1, &samples)
        .await
        .unwrap();
    write.commit().await.unwrap();

    let window = "from=2026-11-23T09:59:57Z&to=2026-11-23T10:00:00Z";
    let series = us.get(&format!("{path}?{window}")).await.expect(200);
    assert_eq!(
        (&series["resolution"], &series["step_s"]),
        (&json!("second"), &json!(1))
    );
    assert_eq!(series["at"][1], "2026-11-23T09:59:58Z");
    assert_eq!(series["probes"], json!([null, 10, null]));
    assert_eq!(series["loss_percent"], json!([null, 10.0, null]));
    assert_eq!(series["rtt_avg_ms"], json!([null, 12.5, null]));
    assert_eq!(series["jitter_ms"], json!([null, null, null]));

    let day = us
        .get(&format!("{path}?from=2026-11-22T10:00:00Z&points=100"))
        .await
        .expect(200);
    assert_eq!(day["resolution"], "minute");
    assert!(day["at"].as_array().unwrap().len() <= 100);
    let all = us
        .get(&format!(
            "{path}?from=1970-01-01T00:00:00Z&to=2099-12-31T23:59:59Z&points=2"
        ))
        .await
        .expect(200);
    let step = all["step_s"].as_i64().unwrap();
    assert!(
        step < i64::from(u32::MAX),
        "it is no bound but a length: {step}"
    );
    assert_eq!(all["at"][0], "1970-01-01T00:00:00Z");
    for (query, name) in [
        ("points=1001", "points"),
        ("from=2026-11-23T11:00:00Z", "from"),
        ("from=0080-09-19T13:37:16Z", "from"),
        ("to=5820-03-01T12:31:42Z", "to"),
        ("to=now", "to"),
    ] {
        let error = us.get(&format!("{path}?{query}")).await.error(422);
        assert_eq!(field(&error), name, "{error}");
    }
}

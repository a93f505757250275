//! Breaking the lab that a control plane runs in.

use std::sync::Mutex;

use holdfast_api_types::{
    LineState,
    UserRole::Operator,
    api::{self, LabLine},
};
use holdfast_control_plane::lab::{Lab, LabAnswer, LabError};
use serde_json::json;

use crate::support::TestApp;

/// A lab of one line.
#[derive(Debug, Default)]
struct OneLine {
    cut: Mutex<bool>,
    gone: bool,
}

impl Lab for OneLine {
    fn lines(&self) -> LabAnswer<'_> {
        let lines = self.seen();
        Box::pin(async { lines })
    }

    fn set_line<'a>(&'a self, isp: &'a str, state: LineState) -> LabAnswer<'a> {
        Box::pin(async move {
            if isp != "fibre" {
                return Err(LabError::NoSuchIsp(format!(
                    "no ISP is called {isp}: there are fibre"
                )));
            }
            *self.cut.lock().unwrap() = state == LineState::Cut;
            self.seen()
        })
    }
}

impl OneLine {
    fn seen(&self) -> Result<api::Lab, LabError> {
        if self.gone {
            return Err(LabError::Unreachable("nobody listens".into()));
        }
        let cut = *self.cut.lock().unwrap();
        Ok(api::Lab {
            lines: vec![LabLine {
                isp: "fibre".into(),
                interface: "wan1".into(),
                state: if cut {
                    LineState::Cut
                } else {
                    LineState::Working
                },
            }],
        })
    }
}

#[tokio::test]
async fn outside_a_lab_there_is_nothing_to_break() {
    let app = TestApp::start().await;
    let operator = app.organization("ours").await.token(Operator).await;
    let health = operator.get("/health").await.expect(200);
    assert_eq!(health["lab"], false);
    operator.get("/lab").await.error(404);
    let cut = json!({ "state": "cut" });
    operator.put("/lab/lines/fibre", cut).await.error(404);
}

#[tokio::test]
async fn a_line_is_broken_and_repaired_and_the_answer_says_how_it_is() {
    let app = TestApp::start().await;
    app.app.connect_lab(OneLine::default());
    let operator = app.organization("ours").await.token(Operator).await;
    let health = operator.get("/health").await.expect(200);
    assert_eq!(health["lab"], true);
    for state in ["cut", "working"] {
        let answer = operator
            .put("/lab/lines/fibre", json!({ "state": state }))
            .await
            .expect(200);
        assert_eq!(answer["lines"][0]["state"], state);
        assert_eq!(operator.get("/lab").await.expect(200), answer);
    }
}

#[tokio::test]
async fn an_isp_that_is_not_there_is_not_found_and_the_others_are_named() {
    let app = TestApp::start().await;
    app.app.connect_lab(OneLine::default());
    let operator = app.organization("ours").await.token(Operator).await;
    let cut = json!({ "state": "cut" });
    let error = operator.put("/lab/lines/dsl", cut).await.error(404);
    assert!(error["message"].as_str().unwrap().contains("fibre"));
}

#[tokio::test]
async fn a_lab_that_does_not_answer_is_worth_another_try() {
    let app = TestApp::start().await;
    app.app.connect_lab(OneLine {
        gone: true,
        ..OneLine::default()
    });
    let operator = app.organization("ours").await.token(Operator).await;
    let answer = operator.get("/lab").await;
    assert_eq!(answer.error(503)["code"], "unavailable");
    assert_eq!(answer.header("retry-after"), "2");
}

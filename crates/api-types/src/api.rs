//! What the HTTP API takes and gives, one file per resource. Its conventions are in `docs/api-design.md`.

mod account;
mod audit;
mod bounds;
mod error;
mod event;
mod fault;
mod gateway;
mod history;
mod job;
mod lab;
mod page;
mod priority;
mod router;
mod site;
mod system;
mod text;
mod tunnel;

pub use account::{
    ChangeOrganization, ChangePassword, ChangeUser, LogIn, NewToken, NewUser, Organization, SetUp,
    SetUpState, Token, TokenCreated, User, UserCreated, WhoAmI,
};
pub use audit::{Actor, AuditEntry, Subject};
pub use bounds::{InterfaceName, InvalidValue, LossPercent, Moment, Number, Patch, Text, Words};
pub use error::{ErrorBody, ErrorCode, ErrorEnvelope, FieldFault};
pub use event::{Change, Edit, FaultNews, LiveEvent, StreamMark};
pub use fault::{COMMENT_MAX, CloseFault, Comment, Fault, FaultDetail, NewComment};
pub use gateway::Gateway;
pub use history::{HealthSeries, Resolution, StateChange};
pub use job::{Job, JobStep};
pub use lab::{Lab, LabLine, SetLine};
pub use page::Page;
pub use priority::{Accepted, Priority, PriorityResult, SetPriority, TunnelResult};
pub use router::{
    Adoption, AdoptionProgress, AdoptionReport, AdoptionStep, ChangeRouter, DirectAccess,
    GatewayCandidate, GatewayCandidates, LogLine, PreviewRoutes, PriorityPreview, Router,
    RouterFacts, RouterInterface, RouterInterfaces, RouterPlan, RouterPlanStep, SetAccess,
};
pub use site::{
    ChangeSite, Deactivation, FailoverStatus, HoldSeconds, NOTE_MAX, NewSite, Site, SiteStatus,
    TunnelOutline, TunnelStatus,
};
pub use system::Health;
pub use text::{Email, InvalidText, Label, NewPassword, Secret};
pub use tunnel::{
    ConfigureTunnel, Credentials, DrainMinutes, LastLogin, Override, Probing, REASON_MAX,
    SetOverride, TUNNELS_OF_A_SITE, TargetMillis, Tunnel,
};

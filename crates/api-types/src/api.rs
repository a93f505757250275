//! What the HTTP API takes and gives, one file per resource. Its conventions are in `docs/api-design.md`.

mod account;
mod audit;
mod error;
mod event;
mod page;
mod system;
mod text;

pub use account::{
    ChangeOrganization, ChangePassword, ChangeUser, LogIn, NewToken, NewUser, Organization, SetUp,
    SetUpState, Token, TokenCreated, User, UserCreated, WhoAmI,
};
pub use audit::{Actor, AuditEntry, Subject};
pub use error::{ErrorBody, ErrorCode, ErrorEnvelope, FieldFault};
pub use event::{Change, Edit, FaultNews, LiveEvent, StreamMark};
pub use page::Page;
pub use system::Health;
pub use text::{Email, InvalidText, Label, NewPassword, Secret};

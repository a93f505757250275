//! The router itself: what it is, and what runs on it.

use std::time::Duration;

use super::view;
use crate::{value::Policies, version::Version};

view! {
    /// Model, version and load.
    Resource at "/system/resource" {
        /// Time since it was started.
        uptime: Option<Duration> = "uptime",
        /// Its version.
        version: Version = "version",
        /// Its model, in words.
        board_name: String = "board-name",
        /// Its processor.
        architecture: String = "architecture-name",
        /// Per cent.
        cpu_load: Option<u8> = "cpu-load",
        /// Bytes.
        free_memory: Option<u64> = "free-memory",
        /// Bytes.
        total_memory: Option<u64> = "total-memory",
        /// Bytes.
        free_disk: Option<u64> = "free-hdd-space",
    }

    /// The board. A virtual router has none.
    Routerboard at "/system/routerboard" {
        /// Whether there is one.
        routerboard: bool = "routerboard",
        /// Its model, as a code.
        model: String = "model",
        /// Its serial number.
        serial_number: String = "serial-number",
        /// Firmware that runs.
        current_firmware: String = "current-firmware",
        /// Firmware that waits for a restart.
        upgrade_firmware: String = "upgrade-firmware",
    }

    /// What the router is called.
    Identity at "/system/identity" {
        /// Its name.
        name: String = "name",
    }

    /// What the device lets its software do.
    DeviceMode at "/system/device-mode" {
        /// `enterprise` or `advanced`, `home`, `basic`; empty on a router without modes.
        mode: String = "mode",
        /// Whether it may fetch; none on a router without modes.
        fetch: Option<bool> = "fetch",
        /// Whether schedulers run; likewise.
        scheduler: Option<bool> = "scheduler",
        /// Whether it distrusts its configuration, and takes no new schedulers.
        flagged: bool = "flagged",
    }

    /// Whether somebody holds the configuration in safe mode.
    SafeMode at "/safe-mode" {
        /// Whether somebody does.
        enabled: bool = "enabled",
        /// Who.
        user: String = "user",
    }

    /// A script.
    Script at "/system/script" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// Its lines.
        source: String = "source",
        /// What it may do.
        policy: Policies = "policy",
        /// Whether it runs with all of that whoever calls it.
        dont_require_permissions: bool = "dont-require-permissions",
        /// Who wrote it.
        owner: String = "owner",
        /// When it last ran, in the router's spelling.
        last_started: String = "last-started",
        /// How often it ran.
        run_count: Option<u64> = "run-count",
        /// Comment.
        comment: String = "comment",
    }

    /// What runs at times.
    Scheduler at "/system/scheduler" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// Time between runs; zero for a single one.
        interval: Option<Duration> = "interval",
        /// Day of the first run, in the router's spelling.
        start_date: String = "start-date",
        /// Time of the first run, or `startup`.
        start_time: String = "start-time",
        /// Script, or its name.
        on_event: String = "on-event",
        /// What it may do.
        policy: Policies = "policy",
        /// When it runs next, in the router's spelling.
        next_run: String = "next-run",
        /// How often it ran.
        run_count: Option<u64> = "run-count",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }
}

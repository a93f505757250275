//! TAP devices: one end of an emulated wire, as a file of Ethernet frames.

#![expect(unsafe_code, reason = "a TAP device is made and driven by ioctl")]

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
};

use anyhow::Context;

/// Longest frame on our wires: 1,500 bytes of payload, Ethernet header and a VLAN tag.
pub(crate) const MAX_FRAME: usize = 1518;

nix::ioctl_write_int!(tun_set_iff, b'T', 202);
nix::ioctl_write_ptr!(tun_set_carrier, b'T', 226, libc::c_int);

/// A network interface whose cable is in our hands. The interface goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Tap {
    file: File,
}

impl Tap {
    /// Makes an interface called `name` in the calling thread's network namespace.
    pub(crate) fn create(name: &str) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open("/dev/net/tun")
            .context("cannot open /dev/net/tun, which the lab's cables and openvpn are made of (as root: modprobe tun; chmod 0666 /dev/net/tun)")?;
        attach(&file, name).with_context(|| format!("cannot make TAP device {name}"))?;
        Ok(Self { file })
    }

    /// Plugs the cable in or out: the interface stays up but loses its carrier.
    pub(crate) fn set_carrier(&self, on: bool) -> io::Result<()> {
        let on = libc::c_int::from(on);
        // SAFETY: TUNSETCARRIER reads one int from the pointer, which outlives the call.
        unsafe { tun_set_carrier(self.file.as_raw_fd(), &raw const on) }?;
        Ok(())
    }

    /// Reads one frame that the kernel sent; `WouldBlock` when there is none.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(buffer)
    }

    /// Hands one frame to the kernel as if it came from the cable.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        (&self.file).write_all(frame)
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn attach(file: &File, name: &str) -> anyhow::Result<()> {
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    anyhow::ensure!(
        name.len() < request.ifr_name.len(),
        "interface name too long"
    );
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one ifreq at the address, which lives across the call.
    unsafe { tun_set_iff(file.as_raw_fd(), &raw mut request as libc::c_ulong) }?;
    Ok(())
}

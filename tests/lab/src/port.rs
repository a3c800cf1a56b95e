//! Ports on loopback for servers that cannot choose one themselves.

use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Mutex;

use crate::wait::OrFail as _;

/// Who holds the name of a port has the port, on this machine, until this process ends.
static CLAIMS: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A port nobody listens on now, and that no other process of a lab was given: between this and a server's start, the
/// kernel would give it to two who ask.
#[track_caller]
pub fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).or_fail("cannot bind a port on loopback");
        let port = listener.local_addr().or_fail("a listener without address").port();
        // A name without a file: it goes with whoever holds it.
        let name = SocketAddr::from_abstract_name(format!("opsroom-lab/port/{port}")).or_fail("a port's name");
        if let Ok(claim) = UnixListener::bind_addr(&name) {
            CLAIMS.lock().or_fail("a test that failed held the ports").push(claim);
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread;

    use super::free_port;

    #[test]
    fn no_two_are_given_the_same() {
        let ask = || (0..500).map(|_| free_port()).collect::<Vec<u16>>();
        let given: Vec<u16> = thread::scope(|scope| {
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        });
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 2000);
    }
}

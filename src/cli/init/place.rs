//! Where a new peer listens, and which address it names to others: what the settings file says of it.

use crate::membership::Address;
use crate::settings::Endpoint;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// The port of a peer whose settings name none.
const USUAL_PORT: u16 = 7001;

/// Where a peer listens and what others dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it listens, if not at the default.
    pub(super) listen: Option<SocketAddr>,
    /// What others dial, where that is not the address it listens at.
    pub(super) advertise: Vec<Endpoint>,
    /// What to tell the owner about it.
    pub(super) told: Option<String>,
}

/// The place of a peer with these trackers, for which `listen` and `advertise` were typed; where no port was, it
/// is `free`. `own` says under
/// which number this machine reaches somebody.
///
/// # Errors
/// What has to be typed as well, for people.
pub(super) fn place(
    trackers: &[Endpoint],
    listen: Option<SocketAddr>,
    advertise: &[Endpoint],
    free: u16,
    own: impl Fn(&Endpoint) -> Option<IpAddr>,
) -> Result<Place, String> {
    let away = trackers
        .iter()
        .find(|tracker| !Address::from(*tracker).is_of_this_machine());
    let as_typed = |told| Place {
        listen,
        advertise: advertise.to_vec(),
        told,
    };
    let everywhere = listen.is_some_and(|listen| listen.ip().is_unspecified());
    match (away, listen) {
        _ if !advertise.is_empty() => {
            let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), free);
            let listen = listen.or(away.map(|_| any));
            return Ok(Place {
                listen,
                ..as_typed(None)
            });
        }
        (None, _) if !everywhere => {
            let other = (free != USUAL_PORT).then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, free)));
            return Ok(Place {
                listen: listen.or(other),
                ..as_typed(None)
            });
        }
        (Some(tracker), Some(listen)) if listen.ip().is_loopback() => {
            return Ok(as_typed(Some(format!(
                "It listens at {listen}, which is this machine alone: members on other machines, and the \
                 tracker at {tracker}, can't dial it. For them, --listen 0.0.0.0:{0} --advertise HOST:{0}.",
                listen.port()
            ))));
        }
        (Some(_), Some(listen)) if !everywhere => {
            return Ok(as_typed(Some(format!("Others dial it at {listen}."))));
        }
        _ => {}
    }
    let port = listen.map_or(free, |listen| listen.port());
    let number = away.and_then(own).filter(|number| !number.is_loopback());
    let Some(number) = number else {
        return Err(format!(
            "under which name or number do others find this machine? Add --advertise HOST:{port}, such as \
             --advertise 192.168.1.20:{port}"
        ));
    };
    let listen = match number {
        IpAddr::V4(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
        IpAddr::V6(_) => SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), port),
    };
    let advertised = SocketAddr::new(number, port);
    let endpoint = advertised
        .to_string()
        .parse()
        .map_err(|error| format!("{error}"))?;
    Ok(Place {
        listen: Some(listen),
        advertise: vec![endpoint],
        told: Some(format!(
            "It listens at {listen}, every way into this machine, and tells others to dial {advertised}: this \
             machine's number towards the tracker. If others find it under another one, because a router \
             stands between, change \"advertise\" in the file. `node status` says whether it is reached."
        )),
    })
}

/// Under which number this machine would speak to somebody; nothing is sent.
pub(super) fn own_number(towards: &Endpoint) -> Option<IpAddr> {
    let mut addresses = (towards.host(), towards.port()).to_socket_addrs().ok()?;
    let to = addresses.next()?;
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(from).ok()?;
    socket.connect(to).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified()).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(all: &[&str]) -> Vec<Endpoint> {
        all.iter().map(|one| one.parse().unwrap()).collect()
    }

    /// The place as `listen advertise`, and what is told; this machine is 192.168.1.20.
    fn found(
        trackers: &[&str],
        listen: &str,
        advertise: &[&str],
    ) -> Result<(String, String), String> {
        let own = |_: &Endpoint| Some([192, 168, 1, 20].into());
        let place = place(
            &endpoints(trackers),
            listen.parse().ok(),
            &endpoints(advertise),
            USUAL_PORT,
            own,
        )?;
        let listen = place.listen.map_or("-".to_owned(), |at| at.to_string());
        let advertise: Vec<_> = place.advertise.iter().map(ToString::to_string).collect();
        let told = place.told.unwrap_or_default();
        Ok((format!("{listen} {}", advertise.join(",")), told))
    }

    #[test]
    fn a_peer_among_several_machines_names_an_address_that_others_can_dial() {
        let (place, told) = found(&["192.0.2.10:7000"], "", &[]).unwrap();
        assert_eq!(place, "0.0.0.0:7001 192.168.1.20:7001");
        assert!(told.contains("192.168.1.20:7001"), "{told}");
        let (place, _) = found(&["127.0.0.1:7", "t.example:7000"], "0.0.0.0:7009", &[]).unwrap();
        assert_eq!(place, "0.0.0.0:7009 192.168.1.20:7009");
        let (place, told) = found(&["t.example:7000"], "", &["box.example:99"]).unwrap();
        assert_eq!(
            (place.as_str(), told.as_str()),
            ("0.0.0.0:7001 box.example:99", "")
        );
        let (place, told) = found(&["t.example:7000"], "10.0.0.2:7001", &[]).unwrap();
        assert!(
            place == "10.0.0.2:7001 " && told.contains("10.0.0.2:7001"),
            "{told}"
        );
    }

    #[test]
    fn what_only_this_machine_can_dial_is_never_written_in_silence() {
        let (place, told) = found(&["t.example:7000"], "127.0.0.1:7001", &[]).unwrap();
        assert!(
            place == "127.0.0.1:7001 " && told.contains("can't dial it"),
            "{told}"
        );
        // Where everything is on this machine, the default is right.
        for local in ["127.0.0.1:7000", "localhost:7000", "[::1]:7000"] {
            assert_eq!(
                found(&[local], "", &[]).unwrap(),
                ("- ".into(), String::new())
            );
        }
        let asked = found(&["127.0.0.1:7000"], "0.0.0.0:7001", &[]).unwrap_err();
        assert!(asked.contains("--advertise HOST:7001"), "{asked}");
        let unknown = super::place(
            &endpoints(&["t.example:7000"]),
            None,
            &[],
            USUAL_PORT,
            |_| None,
        )
        .unwrap_err();
        assert!(unknown.contains("--advertise HOST:7001"), "{unknown}");
    }

    #[test]
    fn a_peer_beside_another_one_takes_a_port_that_is_free() {
        let own = |_: &Endpoint| Some([192, 168, 1, 20].into());
        let found = |tracker: &str| {
            let place = place(&endpoints(&[tracker]), None, &[], 7009, own).unwrap();
            place.listen.map(|listen| listen.to_string())
        };
        assert_eq!(found("127.0.0.1:7000").as_deref(), Some("127.0.0.1:7009"));
        assert_eq!(found("t.example:7000").as_deref(), Some("0.0.0.0:7009"));
    }

    #[test]
    fn this_machine_knows_its_number_towards_itself() {
        let own = own_number(&"127.0.0.1:7000".parse().unwrap());
        assert_eq!(own, Some([127, 0, 0, 1].into()));
    }
}

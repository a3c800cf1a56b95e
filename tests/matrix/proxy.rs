//! A wire between the bot and its homeserver that can misbehave as real ones
//! do. One request for each connection, so that each can be looked at.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::JoinSet,
};

/// What happens to the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// They pass.
    Fair,
    /// The token is not known any more, softly; until somebody logs in.
    SoftLogout,
    /// A gateway answers in the homeserver's place.
    BadGateway,
    /// The next message is passed on, and its answer is lost.
    LosesAnAnswer,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    mood: Arc<Mutex<Mood>>,
    refused: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
    _runtime: Runtime,
}

impl Proxy {
    pub(crate) fn to(url: &str) -> Self {
        let server: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (mood, refused) = (Arc::new(Mutex::new(Mood::Fair)), Arc::new(Mutex::new(Vec::new())));
        let (own_mood, own_refused) = (mood.clone(), refused.clone());
        let mut tasks = JoinSet::new();
        let accept = async move {
            let mut wires = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (mood, refused) = (own_mood.clone(), own_refused.clone());
                wires.spawn(async move {
                    // A client that hangs up is nothing to report.
                    let _ = pass(client, server, &mood, &refused).await;
                });
            }
        };
        tasks.spawn_on(accept, runtime.handle());
        Self { url, mood, refused, _tasks: tasks, _runtime: runtime }
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock().expect("nobody panics with it") = mood;
    }

    pub(crate) fn mood(&self) -> Mood {
        *self.mood.lock().expect("nobody panics with it")
    }

    /// The paths of the requests that were not passed.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.refused.lock().expect("nobody panics with it").clone()
    }
}

async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    mood: &Mutex<Mood>,
    refused: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let request = read_request(&mut client).await?;
    let head = String::from_utf8_lossy(&request);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let now = {
        let mut mood = mood.lock().expect("nobody panics with it");
        let now = *mood;
        match now {
            Mood::SoftLogout if path.ends_with("/login") => *mood = Mood::Fair,
            Mood::LosesAnAnswer if path.contains("/send/") => *mood = Mood::Fair,
            Mood::Fair | Mood::SoftLogout | Mood::BadGateway | Mood::LosesAnAnswer => {}
        }
        now
    };
    let fixed = match now {
        Mood::SoftLogout if !path.ends_with("/login") && !path.ends_with("/versions") => Some((
            "401 Unauthorized",
            r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Access token has expired","soft_logout":true}"#,
        )),
        Mood::BadGateway => Some(("502 Bad Gateway", "<html>Bad Gateway</html>")),
        Mood::Fair | Mood::SoftLogout | Mood::LosesAnAnswer => None,
    };
    if let Some((status, body)) = fixed {
        refused
            .lock()
            .expect("nobody panics with it")
            .push(path.split_once('?').map_or(path.as_str(), |(path, _)| path).to_owned());
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        return client.write_all(answer.as_bytes()).await;
    }
    let mut server = TcpStream::connect(server).await?;
    server.write_all(&request).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    if now == Mood::LosesAnAnswer && path.contains("/send/") {
        return Ok(());
    }
    client.write_all(&answer).await
}

/// Reads one request with its body, and asks the server to close after it.
async fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let read = client.read(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            let close = b"\r\nConnection: close";
            bytes.splice(end..end, close.iter().copied());
            return Ok(bytes);
        }
    }
}

//! What a small HTTP server of a test does with a request.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// An answer, or what comes in its place.
pub(crate) enum Reply {
    /// A status, further header lines, and a body.
    Status(u16, &'static str, String),
    /// Takes the request, and says nothing until the other side has gone.
    Silence,
    /// Hangs up in the middle of an answer.
    Half,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Status(200, "", body.into())
    }

    pub(crate) fn open_ai(text: &str) -> Self {
        Self::ok(serde_json::json!({ "choices": [{ "message": { "content": text } }] }).to_string())
    }

    pub(crate) fn ollama(text: &str) -> Self {
        Self::ok(serde_json::json!({ "response": text, "done": true }).to_string())
    }

    /// Does it. The other side may have gone in the meantime.
    pub(crate) fn give(self, stream: &mut TcpStream) {
        let written = match self {
            Self::Status(status, header, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{header}Connection: \
                     close\r\n\r\n{body}"
                );
                stream.write_all(text.as_bytes())
            }
            Self::Half => stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{"),
            Self::Silence => stream.read_to_end(&mut Vec::new()).map(drop),
        };
        drop(written);
    }
}

/// Head and body of a request.
pub(crate) fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            if body.len() >= length.trim().parse().unwrap() {
                return text;
            }
        }
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "a request that ends early: {text}");
        bytes.extend_from_slice(&buffer[..count]);
    }
}

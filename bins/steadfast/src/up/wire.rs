//! Connections of one operation to the cache nodes it asks.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use steadfast_cluster::{Failure, NodeId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connections of one operation, at most one to each node.
#[derive(Debug, Default)]
pub(crate) struct Wires(Vec<(NodeId, Wire)>);

/// One connection: what is to be sent, and what has come and is not used yet.
pub(crate) struct Wire {
    socket: Socket,
    unsent: Bytes,
    input: BytesMut,
}

enum Socket {
    Connecting(Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>),
    Open(TcpStream),
}

impl Wires {
    /// Sends `bytes` to `node`, on the connection that is there, on `idle`, or on a new one.
    pub(crate) fn send(
        &mut self,
        node: NodeId,
        bytes: Bytes,
        idle: impl FnOnce() -> Option<TcpStream>,
        address: SocketAddr,
    ) {
        if let Some(wire) = self.get(node) {
            wire.unsent = bytes;
            return;
        }
        let socket = match idle() {
            Some(stream) => Socket::Open(stream),
            None => Socket::Connecting(Box::pin(async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(stream)
            })),
        };
        self.0.push((
            node,
            Wire {
                socket,
                unsent: bytes,
                input: BytesMut::new(),
            },
        ));
    }

    /// Closes the connection to `node`.
    pub(crate) fn close(&mut self, node: NodeId) {
        self.0.retain(|(other, _)| *other != node);
    }

    /// The bytes that came from `node` and are not used yet.
    pub(crate) fn input(&mut self, node: NodeId) -> Option<&mut BytesMut> {
        self.get(node).map(|wire| &mut wire.input)
    }

    /// Waits until more bytes have come from a node, or its connection has failed. Waits for ever
    /// if there is no connection.
    pub(crate) async fn next(&mut self) -> (NodeId, Result<(), Failure>) {
        poll_fn(|context| {
            for (node, wire) in &mut self.0 {
                if let Poll::Ready(result) = wire.poll(context) {
                    return Poll::Ready((*node, result));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Gives up the open connections, which are clean once an operation is over.
    pub(crate) fn into_open(self) -> impl Iterator<Item = (NodeId, TcpStream)> {
        self.0
            .into_iter()
            .filter_map(|(node, wire)| match wire.socket {
                Socket::Open(stream) if wire.unsent.is_empty() => Some((node, stream)),
                _ => None,
            })
    }

    fn get(&mut self, node: NodeId) -> Option<&mut Wire> {
        self.0
            .iter_mut()
            .find(|(other, _)| *other == node)
            .map(|(_, wire)| wire)
    }
}

impl Wire {
    /// Connects, sends, receives, as far as it goes; ready when bytes have come or nothing will.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            match &mut self.socket {
                Socket::Connecting(connect) => match ready!(connect.as_mut().poll(context)) {
                    Ok(stream) => self.socket = Socket::Open(stream),
                    Err(_) => return Poll::Ready(Err(Failure::Refused)),
                },
                Socket::Open(stream) if !self.unsent.is_empty() => {
                    match ready!(Pin::new(stream).poll_write(context, &self.unsent)) {
                        Ok(count) => self.unsent.advance(count),
                        Err(_) => return Poll::Ready(Err(Failure::Closed)),
                    }
                }
                Socket::Open(stream) => {
                    let mut chunk = [0; 4096];
                    let mut buffer = ReadBuf::new(&mut chunk);
                    return match ready!(Pin::new(stream).poll_read(context, &mut buffer)) {
                        Ok(()) if !buffer.filled().is_empty() => {
                            self.input.extend_from_slice(buffer.filled());
                            Poll::Ready(Ok(()))
                        }
                        Ok(()) | Err(_) => Poll::Ready(Err(Failure::Closed)),
                    };
                }
            }
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = matches!(self.socket, Socket::Open(_));
        f.debug_struct("Wire")
            .field("open", &open)
            .field("input", &self.input.len())
            .finish()
    }
}

//! One client connection: the sockets of a [`Stream`], and the loop that does what it says.

mod link;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, Read as _};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf as _, Bytes};
use socket2::SockRef;
use steadfast_proxy::state::{FrontendId, ServerId};
use steadfast_proxy::stream::{Action, Event, Side, Stream};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Sleep, sleep_until};

pub(crate) use self::link::connect_error;
use self::link::{Link, is_quiet, says_nothing};
use crate::clock;
use crate::shared::{Membership, Shared, Signal};

/// The sockets of one stream and what is to be written to them.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    stream: Stream,
    frontend: FrontendId,
    client: Link,
    server: Link,
    connecting: Option<Connecting>,
    /// Idle connections for later requests of this client, at most one per server.
    parked: Vec<Parked>,
    mailbox: mpsc::Receiver<Signal>,
    alarm: Pin<Box<Sleep>>,
    /// What `alarm` is set to, if it has not gone off since.
    alarm_at: Option<Instant>,
    _membership: Membership,
}

/// An idle connection to a server.
struct Parked {
    server: ServerId,
    socket: TcpStream,
    /// Needed as soon as it is not the only connection to a server that this client has.
    place: Option<OwnedSemaphorePermit>,
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// Why the loop goes on.
enum Wake {
    Ready,
    Connected(io::Result<TcpStream>),
    Signal(Signal),
    Timeout,
}

impl Relay {
    pub(crate) fn new(
        socket: TcpStream,
        stream: Stream,
        frontend: FrontendId,
        mailbox: mpsc::Receiver<Signal>,
        membership: Membership,
    ) -> Self {
        Self {
            shared: Arc::clone(membership.shared()),
            stream,
            frontend,
            client: Link {
                socket: Some(socket),
                ..Link::default()
            },
            server: Link::default(),
            connecting: None,
            parked: Vec::new(),
            mailbox,
            alarm: Box::pin(sleep_until(tokio::time::Instant::now())),
            alarm_at: None,
            _membership: membership,
        }
    }

    /// Carries the connection to its end.
    pub(crate) async fn run(mut self) {
        let mut rounds = 0_u32;
        loop {
            self.act();
            if self.stream.is_finished() {
                return;
            }
            if self.advance() {
                rounds += 1;
                if rounds % ROUNDS_MAX == 0 {
                    tokio::task::yield_now().await;
                }
                continue;
            }
            match self.wait().await {
                Wake::Ready => {}
                Wake::Connected(outcome) => self.connected(outcome),
                Wake::Signal(Signal::Granted) => self.tell(Event::Granted),
                Wake::Signal(Signal::Draining) => self.tell(Event::Draining),
                Wake::Signal(Signal::Stop) => return,
                Wake::Timeout => {
                    self.alarm_at = None;
                    let Self { shared, stream, .. } = &mut self;
                    shared.with_state(|state| stream.handle_timeout(state, clock::now()));
                }
            }
        }
    }

    fn tell(&mut self, event: Event<'_>) {
        let Self { shared, stream, .. } = self;
        shared.with_state(|state| stream.handle_event(event, state, clock::now()));
    }

    fn link(&mut self, side: Side) -> &mut Link {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.stream.poll_action() {
            match action {
                Action::Connect {
                    server,
                    address,
                    reuse,
                } => self.connect(server, address, reuse),
                Action::Send { to, bytes } => {
                    if !bytes.is_empty() {
                        let link = self.link(to);
                        link.out.push_back(bytes);
                        link.writable = true;
                    }
                }
                Action::Forward { to, len } => self.link(to).relay = len,
                Action::ShutdownWrite(side) => self.link(side).shut_when_written = true,
                Action::Park(server) => self.park(server),
                Action::Close(side) => self.close(side),
                Action::Log(record) => self.shared.logs.request(self.frontend, &record),
                Action::LogConnect(record) => self.shared.logs.connect(self.frontend, &record),
            }
        }
    }

    fn connect(&mut self, server: ServerId, address: SocketAddr, reuse: bool) {
        self.server = Link::default();
        let parked = self.parked.iter().position(|one| one.server == server);
        let parked = parked.map(|at| self.parked.swap_remove(at).socket);
        let shared = &self.shared;
        self.parked.retain_mut(|one| {
            one.place = one.place.take().or_else(|| shared.spare_server());
            one.place.is_some()
        });
        match parked.filter(|socket| reuse && says_nothing(socket)) {
            Some(socket) => {
                self.server.socket = Some(socket);
                self.tell(Event::Connected { reused: true });
            }
            None => self.connecting = Some(Box::pin(TcpStream::connect(address))),
        }
    }

    fn connected(&mut self, outcome: io::Result<TcpStream>) {
        self.connecting = None;
        match outcome {
            Ok(socket) => {
                // Without it small requests would wait for acknowledgements; nothing else depends on it.
                let _ = socket.set_nodelay(true);
                self.server = Link {
                    socket: Some(socket),
                    ..Link::default()
                };
                self.tell(Event::Connected { reused: false });
            }
            Err(error) => self.tell(Event::ConnectFailed {
                error: connect_error(&error),
            }),
        }
    }

    fn park(&mut self, server: ServerId) {
        let link = std::mem::take(&mut self.server);
        self.parked.retain(|one| one.server != server);
        if let Some(socket) = link.socket.filter(|_| !link.ended) {
            self.parked.push(Parked {
                server,
                socket,
                place: None,
            });
        }
    }

    fn close(&mut self, side: Side) {
        let link = std::mem::take(self.link(side));
        match side {
            Side::Server => {
                self.connecting = None;
                self.client.relay = 0;
            }
            Side::Client => {
                if let Some(socket) = link.socket.filter(|_| !link.ended) {
                    leave(&socket);
                }
                self.server.relay = 0;
            }
        }
    }

    /// Does one thing that a socket seems ready for. Returns whether the stream was told of something.
    fn advance(&mut self) -> bool {
        for side in [Side::Client, Side::Server] {
            if self.write(side) {
                return true;
            }
            if self.welcomes(side) && self.link(side).readable && self.read(side) {
                return true;
            }
        }
        false
    }

    /// Whether bytes from `side` have a place to go.
    fn welcomes(&self, side: Side) -> bool {
        let (link, other) = match side {
            Side::Client => (&self.client, &self.server),
            Side::Server => (&self.server, &self.client),
        };
        if link.ended || link.socket.is_none() {
            return false;
        }
        if other.relay > 0 {
            other.out.is_empty()
        } else {
            self.stream.wants(side)
        }
    }

    fn write(&mut self, to: Side) -> bool {
        let link = self.link(to);
        let Some(socket) = &mut link.socket else {
            return false;
        };
        let Some(bytes) = link.out.front_mut() else {
            if link.shut_when_written {
                link.shut_when_written = false;
                // A peer that has gone already is found by the next read.
                let _ = SockRef::from(&*socket).shutdown(Shutdown::Write);
            }
            return false;
        };
        if !link.writable {
            return false;
        }
        match link::write(socket, bytes) {
            Ok(len) => {
                bytes.advance(len);
                if bytes.is_empty() {
                    link.out.pop_front();
                }
                self.tell(Event::Sent { to, len });
                true
            }
            Err(error) => self.failed(to, &error, false),
        }
    }

    fn read(&mut self, from: Side) -> bool {
        SCRATCH.with_borrow_mut(|scratch| {
            let relay = self.link(from.other()).relay;
            let room = if relay > 0 {
                usize::try_from(relay)
                    .unwrap_or(usize::MAX)
                    .min(scratch.len())
            } else {
                scratch.len().min(HEAD_READ_BYTES)
            };
            let link = self.link(from);
            let Some(socket) = &mut link.socket else {
                return false;
            };
            match link::read(socket, &mut scratch[..room]) {
                Ok(0) => {
                    link.ended = true;
                    self.tell(Event::Closed { by: from });
                }
                Ok(len) if relay > 0 => self.relay(from, &scratch[..len]),
                Ok(len) => self.tell(Event::Received {
                    from,
                    bytes: &scratch[..len],
                }),
                Err(error) => return self.failed(from, &error, true),
            }
            true
        })
    }

    /// Passes `bytes` on; only what the other side does not take at once is copied.
    fn relay(&mut self, from: Side, bytes: &[u8]) {
        let to = from.other();
        let len = bytes.len();
        let link = self.link(to);
        if link.relay != u64::MAX {
            link.relay -= len as u64;
        }
        self.tell(Event::Forwarded { from, len });
        let link = self.link(to);
        let Some(socket) = &mut link.socket else {
            return;
        };
        let written = match link::write(socket, bytes) {
            Ok(written) => written,
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.failed(to, &error, false);
                    return;
                }
                0
            }
        };
        if written < len {
            link.out
                .push_back(Bytes::copy_from_slice(&bytes[written..]));
            link.writable = written > 0;
        }
        if written > 0 {
            self.tell(Event::Sent { to, len: written });
        }
    }

    /// A socket that was not ready is waited for; any other failure breaks the connection.
    fn failed(&mut self, side: Side, error: &io::Error, reading: bool) -> bool {
        let link = self.link(side);
        if error.kind() == io::ErrorKind::WouldBlock {
            if reading {
                link.readable = false;
            } else {
                link.writable = false;
            }
            return false;
        }
        link.out.clear();
        if side == Side::Server && !reading {
            // The server does not listen any more, but an answer of it may be there: only reading tells.
            link.relay = 0;
            return true;
        }
        link.ended = true;
        self.tell(Event::Reset { by: side });
        true
    }

    async fn wait(&mut self) -> Wake {
        let deadline = self.stream.poll_timeout();
        // With every byte deadlines move away. An alarm that goes off too early does no harm and is set anew then,
        // which is far cheaper than moving it each time.
        let is_late = |at: &Instant| self.alarm_at.is_none_or(|set| *at < set);
        if let Some(at) = deadline.filter(is_late) {
            self.alarm_at = Some(at);
            self.alarm.as_mut().reset(at.into());
        }
        let armed = deadline.is_some();
        let reads = [self.welcomes(Side::Client), self.welcomes(Side::Server)];
        poll_fn(|context| self.poll_wake(reads, armed, context)).await
    }

    fn poll_wake(
        &mut self,
        reads: [bool; 2],
        armed: bool,
        context: &mut Context<'_>,
    ) -> Poll<Wake> {
        if let Poll::Ready(Some(signal)) = self.mailbox.poll_recv(context) {
            return Poll::Ready(Wake::Signal(signal));
        }
        if let Some(connecting) = &mut self.connecting {
            if let Poll::Ready(outcome) = connecting.as_mut().poll(context) {
                return Poll::Ready(Wake::Connected(outcome));
            }
        }
        let mut ready = self.client.poll_ready(reads[0], context);
        ready |= self.server.poll_ready(reads[1], context);
        if ready {
            return Poll::Ready(Wake::Ready);
        }
        // An idle connection that says something has been closed, or speaks out of turn: it is of no use.
        self.parked.retain(|one| is_quiet(&one.socket, context));
        if armed && self.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Wake::Timeout);
        }
        Poll::Pending
    }
}

impl Drop for Relay {
    /// A connection that is cut in the middle (a stop, a panic) gives back what it has been given.
    fn drop(&mut self) {
        let Self { shared, stream, .. } = self;
        if !stream.is_finished() {
            shared.with_state(|state| stream.abandon(state, clock::now()));
        }
    }
}

/// Takes leave of a client: what it has sent and nobody reads would make the kernel answer with a reset, and the reset
/// could overtake our last answer.
fn leave(socket: &TcpStream) {
    let socket = SockRef::from(socket);
    SCRATCH.with_borrow_mut(|scratch| {
        for _ in 0..LEAVE_READS_MAX {
            // Asks the kernel itself: the runtime may not know yet of what has just come in.
            if !matches!((&*socket).read(scratch), Ok(1..)) {
                break;
            }
            let _ = socket.shutdown(Shutdown::Write);
        }
    });
}

/// Bytes read at once where bodies are relayed: one thread's buffer, so it may be large.
const SCRATCH_BYTES: usize = 64 * 1024;

/// Bytes read at once for the core, which keeps them: about a head's limit.
const HEAD_READ_BYTES: usize = 16 * 1024;

/// Things done for one connection before others get their turn.
const ROUNDS_MAX: u32 = 64;

/// Reads that a leaving client is granted.
const LEAVE_READS_MAX: usize = 4;

thread_local! {
    /// Never held across a wait, so one per thread is enough and idle connections hold none.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

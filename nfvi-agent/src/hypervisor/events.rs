//! libvirt's event loop and its callbacks: the one place of the agent that hands memory to C.
//!
//! libvirt wants an event loop of the process: a thread of its own turns it for ever. A second thread keeps one
//! connection for events; each callback owns a boxed sender, which libvirt gives back through the free function it was
//! registered with, once no callback can run any more.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use uuid::Uuid;
use virt::connect::Connect;
use virt::error::Error;
use virt::sys;

/// What a callback tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawEvent {
    /// A domain's life changed: event and detail numbers of libvirt.
    Lifecycle {
        /// Which domain.
        id: Uuid,
        /// `virDomainEventType`.
        event: i32,
        /// Its detail.
        detail: i32,
    },
    /// A guest rebooted.
    Rebooted {
        /// Which domain.
        id: Uuid,
    },
    /// A job on a domain, such as a backup, ended.
    JobEnded {
        /// Which domain.
        id: Uuid,
    },
    /// The connection ended: `virConnectCloseReason`.
    Closed {
        /// Why.
        reason: i32,
    },
    /// Sent by the owner of the watch: it shall end.
    Stop,
}

/// Starts the process's event loop. Must be called before a connection is opened; further calls do nothing.
///
/// # Errors
/// What libvirt said when it refused the loop, every time it is asked.
pub fn start_loop() -> Result<(), String> {
    static STARTED: Once = Once::new();
    static FAILED: Mutex<Option<String>> = Mutex::new(None);
    STARTED.call_once(|| {
        let fail = |why: String| *FAILED.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        // libvirt prints every error to standard error unless it is given somewhere else to tell.
        virt::error::clear_error_callback();
        if let Err(error) = virt::event::event_register_default_impl() {
            return fail(error.to_string());
        }
        let turn = || {
            loop {
                if let Err(error) = virt::event::event_run_default_impl() {
                    tracing::error!(%error, "libvirt's event loop failed, it is turned again");
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("libvirt-loop".into()).spawn(turn) {
            fail(format!("no thread for libvirt's event loop: {error}"));
        }
    });
    match &*FAILED.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(why) => Err(why.clone()),
        None => Ok(()),
    }
}

/// Callbacks registered on a connection; they end with [`Watch::end`].
#[derive(Debug)]
pub struct Watch {
    callbacks: Vec<c_int>,
}

impl Watch {
    /// Lets `sender` hear of every domain's life, of reboots, of jobs that ended, and of the end of the connection.
    ///
    /// # Errors
    /// libvirt's refusal.
    pub fn begin(connection: &Connect, sender: &Sender<RawEvent>) -> Result<Watch, Error> {
        let mut watch = Watch { callbacks: Vec::new() };
        let begun = watch.register(connection, sender);
        if let Err(error) = begun {
            watch.end(connection);
            return Err(error);
        }
        Ok(watch)
    }

    fn register(&mut self, connection: &Connect, sender: &Sender<RawEvent>) -> Result<(), Error> {
        // SAFETY: the prototype differs from the generic one only in its arguments; libvirt casts it back to
        // virConnectDomainEventCallback for this event id, as its documentation prescribes (VIR_DOMAIN_EVENT_CALLBACK).
        let lifecycle = unsafe {
            std::mem::transmute::<sys::virConnectDomainEventCallback, sys::virConnectDomainEventGenericCallback>(Some(
                on_lifecycle,
            ))
        };
        // SAFETY: as above.
        let job = unsafe {
            std::mem::transmute::<
                sys::virConnectDomainEventJobCompletedCallback,
                sys::virConnectDomainEventGenericCallback,
            >(Some(on_job))
        };
        for (event, callback) in [
            (sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
            (sys::VIR_DOMAIN_EVENT_ID_REBOOT, Some(on_reboot as _)),
            (sys::VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, job),
        ] {
            let opaque = boxed(sender);
            // SAFETY: the connection is open; `opaque` is a boxed sender that lives until libvirt calls `free_sender`,
            // which it does once and only after the last call of the callback.
            let id = unsafe {
                sys::virConnectDomainEventRegisterAny(
                    connection.as_ptr(),
                    std::ptr::null_mut(),
                    event as c_int,
                    callback,
                    opaque,
                    Some(free_sender),
                )
            };
            if id < 0 {
                let error = Error::last_error();
                // SAFETY: the registration failed, so libvirt did not take the box.
                unsafe { free_sender(opaque) };
                return Err(error);
            }
            self.callbacks.push(id);
        }
        let opaque = boxed(sender);
        // SAFETY: as above, with the callback type of this function.
        let closed = unsafe {
            sys::virConnectRegisterCloseCallback(connection.as_ptr(), Some(on_close), opaque, Some(free_sender))
        };
        if closed < 0 {
            let error = Error::last_error();
            // SAFETY: the registration failed, so libvirt did not take the box.
            unsafe { free_sender(opaque) };
            return Err(error);
        }
        Ok(())
    }

    /// Takes the callbacks off the connection, which must be the one they were registered on.
    pub fn end(self, connection: &Connect) {
        for id in self.callbacks {
            // SAFETY: the connection has not been closed yet and the id came from it.
            unsafe { sys::virConnectDomainEventDeregisterAny(connection.as_ptr(), id) };
        }
        // SAFETY: as above; an unregistered callback is answered by an error, which does not matter here.
        unsafe { sys::virConnectUnregisterCloseCallback(connection.as_ptr(), Some(on_close)) };
    }
}

fn boxed(sender: &Sender<RawEvent>) -> *mut c_void {
    Box::into_raw(Box::new(sender.clone())).cast()
}

/// Sends to the boxed sender. A receiver that is gone does not matter: the watch is ending.
///
/// # Safety
/// `opaque` must come from [`boxed`] and not be freed yet.
unsafe fn send(opaque: *mut c_void, event: RawEvent) {
    // SAFETY: see above; the sender is only shared, never moved out.
    let sender = unsafe { &*opaque.cast::<Sender<RawEvent>>() };
    let _ = sender.send(event);
}

/// UUID of a domain, unless libvirt does not tell it.
///
/// # Safety
/// `domain` must be a valid domain for the length of the call.
pub(super) unsafe fn domain_id(domain: sys::virDomainPtr) -> Option<Uuid> {
    let mut bytes = [0u8; sys::VIR_UUID_BUFLEN as usize];
    // SAFETY: the buffer has the length that the function demands.
    let result = unsafe { sys::virDomainGetUUID(domain, bytes.as_mut_ptr()) };
    (result == 0).then(|| Uuid::from_bytes(bytes))
}

unsafe extern "C" fn on_lifecycle(
    _connection: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    event: c_int,
    detail: c_int,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: libvirt passes the domain of the event and the opaque value of the registration.
    unsafe {
        if let Some(id) = domain_id(domain) {
            send(opaque, RawEvent::Lifecycle { id, event, detail });
        }
    }
    0
}

unsafe extern "C" fn on_reboot(_connection: sys::virConnectPtr, domain: sys::virDomainPtr, opaque: *mut c_void) {
    // SAFETY: libvirt passes the domain of the event and the opaque value of the registration.
    unsafe {
        if let Some(id) = domain_id(domain) {
            send(opaque, RawEvent::Rebooted { id });
        }
    }
}

unsafe extern "C" fn on_job(
    _connection: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _params: sys::virTypedParameterPtr,
    _count: c_int,
    opaque: *mut c_void,
) {
    // SAFETY: libvirt passes the domain of the event and the opaque value of the registration; it frees the parameters.
    unsafe {
        if let Some(id) = domain_id(domain) {
            send(opaque, RawEvent::JobEnded { id });
        }
    }
}

unsafe extern "C" fn on_close(_connection: sys::virConnectPtr, reason: c_int, opaque: *mut c_void) {
    // SAFETY: libvirt passes the opaque value of the registration.
    unsafe { send(opaque, RawEvent::Closed { reason }) };
}

unsafe extern "C" fn free_sender(opaque: *mut c_void) {
    // SAFETY: called once for each value made by `boxed`, after its last use.
    drop(unsafe { Box::from_raw(opaque.cast::<Sender<RawEvent>>()) });
}

/// A lifecycle event in words.
pub fn lifecycle_text(event: i32, detail: i32) -> String {
    let what = match event as u32 {
        sys::VIR_DOMAIN_EVENT_DEFINED => "defined",
        sys::VIR_DOMAIN_EVENT_UNDEFINED => "undefined",
        sys::VIR_DOMAIN_EVENT_STARTED => "started",
        sys::VIR_DOMAIN_EVENT_SUSPENDED => "suspended",
        sys::VIR_DOMAIN_EVENT_RESUMED => "resumed",
        sys::VIR_DOMAIN_EVENT_STOPPED => "stopped",
        sys::VIR_DOMAIN_EVENT_SHUTDOWN => "shutting down",
        sys::VIR_DOMAIN_EVENT_PMSUSPENDED => "suspended by its guest",
        sys::VIR_DOMAIN_EVENT_CRASHED => "crashed",
        _ => "changed",
    };
    let why = match (event as u32, detail as u32) {
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN) => " (the guest powered off)",
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_DESTROYED) => " (destroyed)",
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_CRASHED) => " (the guest crashed)",
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_FAILED) => " (QEMU ended unexpectedly)",
        (sys::VIR_DOMAIN_EVENT_SUSPENDED, sys::VIR_DOMAIN_EVENT_SUSPENDED_IOERROR) => " (a disk write failed)",
        _ => "",
    };
    format!("{what}{why}")
}

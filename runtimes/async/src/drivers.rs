//! Whom a connection wakes: all who drive it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The wakers of those who drive one client. It is a waker itself: the transport's.
#[derive(Default)]
pub(crate) struct Drivers {
    /// A free place has nobody in it; a place whose waker has been woken has none until it registers
    /// the next.
    places: Mutex<Vec<Option<Option<Waker>>>>,
}

/// One driver's place; it leaves when it is dropped.
pub(crate) struct Place {
    drivers: Arc<Drivers>,
    index: usize,
}

impl Drivers {
    pub(crate) fn join(self: &Arc<Self>) -> Place {
        let mut places = self.lock();
        let index = match places.iter().position(Option::is_none) {
            Some(index) => index,
            None => {
                places.push(None);
                places.len() - 1
            }
        };
        places[index] = Some(None);
        drop(places);
        Place { drivers: Arc::clone(self), index }
    }

    /// Awaits a future that is woken as those who drive are.
    pub(crate) async fn wake_for<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        let place = self.join();
        let mut future = pin!(future);
        poll_fn(|context| {
            place.register(context.waker());
            future.as_mut().poll(context)
        })
        .await
    }

    /// Wakes all. Waking can run any code, so it is done without the lock.
    pub(crate) fn wake_all(&self) {
        let mut index = 0;
        loop {
            let mut places = self.lock();
            let Some(place) = places.get_mut(index) else { return };
            let waker = place.as_mut().and_then(Option::take);
            drop(places);
            waker.into_iter().for_each(Waker::wake);
            index += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Option<Waker>>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Drivers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

impl Place {
    /// This driver's waker is this one from now on, until it is woken.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut places = self.drivers.lock();
        let Some(Some(place)) = places.get_mut(self.index) else { return };
        let known = place.as_ref().is_some_and(|known| known.will_wake(waker));
        let old = if known { None } else { place.replace(waker.clone()) };
        drop(places);
        drop(old);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let old = self.drivers.lock().get_mut(self.index).and_then(Option::take);
        drop(old);
        // What this one waited for, another has to wait for now.
        self.drivers.wake_all();
    }
}

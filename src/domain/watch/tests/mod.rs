//! The detectors in a world of their own: a container engine that is told what
//! happens, a stream of its events that lags and breaks, and looks that take
//! their time.

mod hosts;
mod project;
mod properties;
mod stories;
mod world;

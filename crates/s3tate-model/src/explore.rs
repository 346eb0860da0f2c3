//! The model as `stateright` explores it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stateright::{Checker as _, Model, Property};

use crate::properties::{Reachable, invariants};
use crate::request::{Action, Request};
use crate::setup::Setup;
use crate::world::World;

/// A setup to explore.
#[derive(Debug, Clone)]
pub struct Exploration {
    pub(crate) setup: Setup,
    reachable: Vec<Reachable>,
    sent: Arc<AtomicU32>,
}

/// What an exploration came to.
#[derive(Debug)]
pub struct Report {
    /// How many different states there are.
    pub states: usize,
    /// The longest way into them.
    pub depth: usize,
    /// Invariants that don't hold, each with the steps that lead to a counterexample.
    pub broken: Vec<(&'static str, Vec<Action>)>,
    /// What should be reachable and isn't.
    pub unreached: Vec<&'static str>,
    /// Every request of s3tate's that was sent anywhere.
    pub sent: Vec<Request>,
}

impl Exploration {
    /// Prepares to explore a setup.
    pub fn of(setup: Setup) -> Self {
        Self { setup, reachable: Vec::new(), sent: Arc::default() }
    }

    /// Also demands that this can be reached.
    #[must_use]
    pub fn reaching(mut self, reachable: &[Reachable]) -> Self {
        self.reachable.extend_from_slice(reachable);
        self
    }

    /// Explores all of it, breadth first.
    pub fn run(self) -> Report {
        self.explore(None)
    }

    /// Explores deeper and deeper until there is a counterexample, which is as short as any; `None` where there is none
    /// within so many steps.
    pub fn run_to_failure(self, steps: usize) -> Option<Report> {
        let reports = (1..=steps).map(|steps| self.clone().explore(Some(steps)));
        reports.into_iter().find(|report| !report.broken.is_empty())
    }

    fn explore(self, steps: Option<usize>) -> Report {
        let sent = Arc::clone(&self.sent);
        let wanted: Vec<_> = self.reachable.iter().map(|(name, _)| *name).collect();
        let checker = self.checker();
        let checker = match steps {
            // A state counts as a step deeper than the step that leads to it.
            Some(steps) => checker.target_max_depth(steps + 2),
            None => checker,
        };
        let checker = checker.spawn_bfs().join();
        let mut found = checker.discoveries();
        let unreached = wanted.into_iter().filter(|name| found.remove(name).is_none()).collect();
        let mut broken: Vec<_> = found.into_iter().map(|(name, path)| (name, path.into_actions())).collect();
        broken.sort_by_key(|(name, _)| *name);
        let sent = sent.load(Ordering::Relaxed);
        Report {
            states: checker.unique_state_count(),
            depth: checker.max_depth(),
            broken,
            unreached,
            sent: Request::S3TATE.into_iter().filter(|request| sent & request.bit() != 0).collect(),
        }
    }
}

impl Model for Exploration {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::first(&self.setup)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        world.actions(actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        if let Action::Send(_, request, _) = action {
            self.sent.fetch_or(request.bit(), Ordering::Relaxed);
        }
        world.after(&self.setup, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = invariants();
        properties.extend(self.reachable.iter().map(|(name, holds)| Property::sometimes(name, *holds)));
        properties
    }
}

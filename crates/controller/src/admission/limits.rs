//! How much those may take who have not logged in.

/// How much the unknown may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Connections that have not logged in.
    pub connections: usize,
    /// Handshakes in progress.
    pub handshakes: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshakes: 256,
        }
    }
}

impl AdmissionLimits {
    /// No more than half of the files that the process may open: the others are for tunnels.
    pub(crate) fn within(self, open_files: usize) -> Self {
        let connections = self.connections.min(open_files / 2).max(1);
        Self {
            connections,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_files_are_left_to_tunnels() {
        let limits = AdmissionLimits {
            connections: 100,
            handshakes: 4,
        };
        assert_eq!(limits.within(20_000), limits);
        assert_eq!(limits.within(60).connections, 30);
        assert_eq!(limits.within(0).connections, 1);
    }
}

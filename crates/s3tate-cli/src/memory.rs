//! How much memory the process has taken, for those who size runners, and for the tests that hold it to its limits.

/// Logs the largest resident size of this process, in KiB, where the system tells (Linux does).
pub(crate) fn log_peak() {
    if let Some(peak_kib) = peak_kib() {
        tracing::debug!(peak_kib, "peak memory");
    }
}

/// Source: Linux, `proc(5)`, `VmHWM`.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

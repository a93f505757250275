/// Where a page of a list begins, and how long it may be.
///
/// The key is that of the last row seen, so rows that come or go meanwhile neither repeat nor hide another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seek<K> {
    /// The key of the last row of the page before; `None` for the first page.
    pub after: Option<K>,
    /// Most rows on the page.
    pub limit: u32,
}

impl<K> Seek<K> {
    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// How many rows to ask for: one more than wanted tells whether there is a next page.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether rows follow; the next page begins after the key of the last item.
    pub more: bool,
}

impl<T> Page<T> {
    pub(crate) fn of<K>(seek: &Seek<K>, mut rows: Vec<T>) -> Self {
        let limit = usize::try_from(seek.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { items: rows, more }
    }
}

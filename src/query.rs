//! Query strings: named styles for arrays and nested values.

/// How arrays and objects stand in a query string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Style {
    /// `a=1&a=2`; nested objects are refused.
    #[default]
    Repeat,
    /// `a=1,2`; nested objects are refused.
    Comma,
    /// `a[]=1&a[]=2`, `a[b]=1`.
    Brackets,
    /// `a[b]=1`, and arrays as `a[0]=1` (OpenAPI's `deepObject`).
    DeepObject,
}

//! Where a walk stands: a client and a path, and the verbs that make a call of them.

use std::fmt;

use http::Method;

use crate::{
    catalog::Route,
    client::Client,
    error::{Error, Result},
    header::check_method,
    path::{Path, Segment},
    request::{Base, Request},
};

mod call;
mod download;
mod inspect;
mod items;
mod kept;
#[cfg(feature = "jwt")]
mod keys;
mod operation;
mod pages;

pub use call::Call;
pub use items::Items;
pub use operation::{Operation, Reply};
pub use pages::{Pages, Stop};

/// A fixed segment of a path, such as `people`.
///
/// Walking is lazy: it cannot fail and sends nothing. The first mistake is reported when a call is built or sent.
#[derive(Clone)]
pub struct Collection {
    client: Client,
    path: Path,
}

/// A filled variable of a path, such as the person `ada`; or a whole path given as text.
#[derive(Clone)]
pub struct Item {
    client: Client,
    path: Path,
}

impl Client {
    /// Steps into the collection `name`.
    pub fn res(&self, name: impl AsRef<str>) -> Collection {
        let mut path = Path::root();
        path.res(self.catalog(), name.as_ref());
        Collection { client: self.clone(), path }
    }

    /// Walks `path`, split on `/`: each part is decoded once, and is a collection where the catalog has one, else an item.
    pub fn path(&self, path: impl AsRef<str>) -> Item {
        let mut walked = Path::root();
        walked.walk(self.catalog(), self.actor(), path.as_ref());
        Item { client: self.clone(), path: walked }
    }

    /// An absolute URL, outside the catalog: of the client's origin, or asked without any of the client's credentials.
    ///
    /// At another origin only credentials that the call itself is given, by [`Call::auth`], are sent.
    pub fn at(&self, url: impl AsRef<str>) -> Item {
        match Base::exact(url.as_ref()) {
            Ok(base) => Item { client: self.moved(base), path: Path::root() },
            Err(fault) => Item { client: self.clone(), path: Path::faulty(fault) },
        }
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident $method:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(&self) -> Call {
            self.call(Method::$method)
        }
    )*};
}

macro_rules! walk {
    ($($place:ident)*) => {$(
        impl $place {
            /// Steps into the collection `name`.
            #[must_use]
            pub fn res(&self, name: impl AsRef<str>) -> Collection {
                let mut path = self.path.clone();
                path.res(self.client.catalog(), name.as_ref());
                Collection { client: self.client.clone(), path }
            }

            /// Fills the variable that comes next with one segment: text or an integer.
            ///
            /// What could leave its segment is refused: empty, dot segments, slashes, control
            /// characters, and escapes that decode to them.
            #[must_use]
            pub fn item(&self, value: impl Segment) -> Item {
                let mut path = self.path.clone();
                path.item(self.client.catalog(), self.client.actor(), value.value().as_str());
                Item { client: self.client.clone(), path }
            }

            /// Walks further along `path`, split on `/`, as [`Client::path`] does.
            #[must_use]
            pub fn walk(&self, path: impl AsRef<str>) -> Item {
                let mut walked = self.path.clone();
                walked.walk(self.client.catalog(), self.client.actor(), path.as_ref());
                Item { client: self.client.clone(), path: walked }
            }

            /// The path walked so far, encoded.
            pub fn path(&self) -> String {
                self.path.as_str().to_owned()
            }

            /// The full URL.
            ///
            /// # Errors
            /// `Path` for the first mistake made on the way.
            pub fn url(&self) -> Result<String> {
                let context = self.client.context();
                self.fault()?;
                Ok(context.base.uri(self.path.as_str(), self.path.segments(), "")?.to_string())
            }

            /// The catalog's route here, `None` where there is none.
            pub fn route(&self) -> Option<&Route> {
                self.path.route(self.client.catalog()).map(|route| &**route)
            }

            /// The default body of `method` here as JSON; `null` where there is none.
            ///
            /// # Errors
            /// `Path` for the first mistake made on the way.
            pub fn defaults(&self, method: impl AsRef<str>) -> Result<serde_json::Value> {
                self.fault()?;
                let defaults = self.route().and_then(|route| route.defaults(&method.as_ref().parse().ok()?));
                defaults.map_or(Ok(serde_json::Value::Null), |defaults| {
                    serde_json::from_str(defaults.text())
                        .map_err(|error| Error::new(crate::error::ErrorKind::Catalog, error.to_string()))
                })
            }

            /// What may follow here: names of collections, then `{variable}`.
            ///
            /// # Errors
            /// `Path` for the first mistake made on the way.
            pub fn children(&self) -> Result<Vec<String>> {
                self.fault()?;
                Ok(self.client.catalog().children(self.path.node()).into_iter().map(str::to_owned).collect())
            }

            /// The methods that are declared here; empty where there is no route.
            ///
            /// # Errors
            /// `Path` for the first mistake made on the way.
            pub fn methods(&self) -> Result<Vec<Method>> {
                self.fault()?;
                Ok(self.route().map(Route::methods).unwrap_or_default())
            }

            verbs! {
                /// Describes a GET.
                get GET
                /// Describes a POST.
                post POST
                /// Describes a PUT.
                put PUT
                /// Describes a PATCH.
                patch PATCH
                /// Describes a DELETE.
                delete DELETE
                /// Describes a HEAD.
                head HEAD
                /// Describes an OPTIONS.
                options OPTIONS
            }

            /// Describes a call by any method; its case is kept.
            pub fn method(&self, method: impl AsRef<str>) -> Call {
                let mut request = Request::new(Method::GET, self.path.clone());
                if let Some(method) = request.note(check_method(method.as_ref())) {
                    request.method = method;
                }
                Call::new(self.client.clone(), request)
            }

            fn call(&self, method: Method) -> Call {
                Call::new(self.client.clone(), Request::new(method, self.path.clone()))
            }

            fn fault(&self) -> Result<()> {
                self.path.fault().map_or(Ok(()), |fault| Err(fault.clone().into()))
            }
        }

        impl fmt::Display for $place {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.path.as_str())
            }
        }

        impl fmt::Debug for $place {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($place), "({})"), self.path.as_str())
            }
        }
    )*};
}

walk! { Collection Item }

/// Walks a path as it reads: names are collections, brackets hold items. It gives an [`Item`]; verbs follow it.
///
/// ```
/// use restwalk::{Client, path};
///
/// let client = Client::builder("https://max.example.com").build()?;
/// let id = 7;
/// let place = path!(client.people["user.name"].activities[id].comments);
/// assert_eq!(place.path(), "/people/user.name/activities/7/comments");
/// # Ok::<(), restwalk::Error>(())
/// ```
#[macro_export]
macro_rules! path {
    ($client:ident $($steps:tt)*) => { $crate::path!(@ ($client.path("")) $($steps)*) };
    (($client:expr) $($steps:tt)*) => { $crate::path!(@ (($client).path("")) $($steps)*) };
    (@ ($place:expr)) => { $place.into_item() };
    (@ ($place:expr) . $name:ident $($steps:tt)*) => { $crate::path!(@ ($place.res(stringify!($name))) $($steps)*) };
    (@ ($place:expr) . $name:literal $($steps:tt)*) => { $crate::path!(@ ($place.res($name)) $($steps)*) };
    (@ ($place:expr) [ $item:expr ] $($steps:tt)*) => { $crate::path!(@ ($place.item($item)) $($steps)*) };
}

impl Collection {
    /// The same place as an [`Item`], which has the same methods; what `path!` gives.
    #[doc(hidden)]
    #[must_use]
    pub fn into_item(self) -> Item {
        Item { client: self.client, path: self.path }
    }
}

impl Item {
    #[doc(hidden)]
    #[must_use]
    pub fn into_item(self) -> Self {
        self
    }
}

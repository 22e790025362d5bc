//! A catalog as bytes: a cache that is read faster than its files, whole or along one path.
//!
//! The bytes are blocks, each behind what it refers to, so nothing can refer to itself; whoever refers to a block
//! knows its length and its sum. They are bound to this version of the crate, and checked wherever they are read.

use std::{
    collections::HashMap,
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    catalog::{
        Catalog, Following, Inner,
        route::Variable,
        settings::Settings,
        template::{self, Part},
        tree::{Node, Tree},
    },
    error::{Error, ErrorKind, Result},
};

mod body;
mod record;
mod walk;

use record::RouteRecord;

/// What the bytes begin with: a name, and the version that wrote them.
const BEGIN: &str = concat!("restwalk catalog 3 of ", env!("CARGO_PKG_VERSION"), "\n");

/// The most bytes that are read; the two files have 4 MiB each.
const MOST: u64 = 64 << 20;

/// Where a block stands, and what it is.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Block {
    at: u32,
    length: u32,
    sum: u64,
}

impl Block {
    /// The block as it is referred to in front of all others.
    fn place(self) -> [u8; PLACE] {
        let words = u128::from(self.at) | u128::from(self.length) << 32 | u128::from(self.sum) << 64;
        words.to_le_bytes()
    }

    fn at_place(place: [u8; PLACE]) -> Self {
        let words = u128::from_le_bytes(place);
        Self { at: words as u32, length: (words >> 32) as u32, sum: (words >> 64) as u64 }
    }
}

/// The first block of a catalog.
#[derive(Serialize, Deserialize)]
struct Head {
    api: String,
    base_url: Option<String>,
    #[serde(with = "record::SettingsRecord")]
    settings: Settings,
    variables: Vec<Variable>,
    /// The name of the file that default bodies stand in, for messages.
    defaults: Option<String>,
    open: bool,
    root: Block,
    routes: Block,
    lint: Block,
}

/// A place of the tree.
#[derive(Default, Serialize, Deserialize)]
struct Branch<'a> {
    #[serde(borrow)]
    literals: Vec<Child<'a>>,
    #[serde(borrow)]
    variable: Option<(u32, Child<'a>)>,
    route: Option<Block>,
}

/// A place below another, as it is seen from there.
#[derive(Serialize, Deserialize)]
struct Child<'a> {
    /// Empty for a variable.
    name: &'a str,
    title: Option<&'a str>,
    goes_on: bool,
    ends: bool,
    block: Block,
}

impl Catalog {
    /// The catalog as bytes that [`Catalog::from_bytes`] reads sooner than its files, and [`Catalog::along`] in parts.
    ///
    /// They are a cache and no format: every other version of this crate refuses them.
    ///
    /// ```
    /// use restwalk::Catalog;
    ///
    /// let bytes = Catalog::embedded().to_bytes()?;
    /// assert_eq!(Catalog::from_bytes(&bytes)?.routes().count(), 75);
    /// assert!(Catalog::from_bytes(&bytes[1..]).is_err());
    ///
    /// let one = Catalog::along(std::io::Cursor::new(&bytes), "people/ada/activities")?.unwrap();
    /// assert_eq!(one.routes().next().unwrap().template(), "/people/{username}/activities");
    /// # Ok::<(), restwalk::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Catalog` where it is too large to be one.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let inner = &*self.0;
        let mut out = Writer(BEGIN.as_bytes().to_vec());
        // The place of the head, which is known at the end.
        out.0.extend([0; PLACE]);
        let routes = inner.routes.iter().map(|route| out.block(&RouteRecord(route)));
        let routes: Vec<Block> = routes.collect::<Result<_>>()?;
        let head = Head {
            api: inner.api.clone(),
            base_url: inner.base_url.clone(),
            settings: inner.settings.clone(),
            variables: inner.variables.clone(),
            defaults: inner.routes.iter().find_map(|route| Some(route.presets.first()?.1.file().to_owned())),
            open: inner.open,
            root: out.branch(inner, Node::ROOT, &routes)?,
            routes: out.block(&routes)?,
            lint: out.block(&inner.lint)?,
        };
        let head = out.block(&head)?;
        out.0[BEGIN.len()..BEGIN.len() + PLACE].copy_from_slice(&head.place());
        Ok(out.0)
    }

    /// Reads what [`Catalog::to_bytes`] gave.
    ///
    /// # Errors
    /// `Catalog` where the bytes are damaged, or of another version of this crate.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (mut blocks, head) = Blocks::open(std::io::Cursor::new(bytes))?;
        let list: Vec<Block> = blocks.read(head.routes)?;
        let mut inner = inner(&head);
        inner.lint = blocks.read(head.lint)?;
        inner.open = head.open;
        let file = head.file();
        let numbers: HashMap<_, u32> =
            (0..).zip(&head.variables).map(|(number, known)| (known.name(), number)).collect();
        for (number, block) in (0..).zip(list) {
            let route = blocks.route(block, &file)?;
            let known = |part| !matches!(part, Part::Variable(name) if !numbers.contains_key(name));
            if !route.segments().all(known) {
                return Err(damaged());
            }
            let index = |name: &str| numbers.get(name).copied().unwrap_or_default();
            inner.tree.insert(&route.template, number, index).map_err(|_| damaged())?;
            for (at, policy) in (0..).zip(route.policies()) {
                inner.operations.extend(policy.operations.iter().map(|name| (name.clone(), (number, at))));
            }
            inner.routes.push(Arc::new(route));
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Reads of such bytes only what a walk along `path` meets: a catalog of the one route that the path leads to.
    ///
    /// `None` where the path leads to no route, or is written with `%`: only the whole catalog can tell more then.
    /// A variable may stand in the path as `{name}`. Named operations are left out.
    ///
    /// # Errors
    /// As [`Catalog::from_bytes`], and what `source` cannot read.
    pub fn along(source: impl Read + Seek, path: &str) -> Result<Option<Self>> {
        walk::along(source, path)
    }

    /// Reads of such bytes only what [`Catalog::following`] says of `path`; nothing for one that is written with `%`.
    ///
    /// # Errors
    /// As [`Catalog::from_bytes`], and what `source` cannot read.
    pub fn following_in(source: impl Read + Seek, path: &str) -> Result<Vec<Following>> {
        walk::following(source, path)
    }
}

/// A catalog without routes, with the settings of `head`.
fn inner(head: &Head) -> Inner {
    Inner {
        api: head.api.clone(),
        base_url: head.base_url.clone(),
        settings: head.settings.clone(),
        variables: head.variables.clone(),
        tree: Tree::default(),
        routes: Vec::new(),
        operations: HashMap::new(),
        lint: Vec::new(),
        open: false,
    }
}

impl Head {
    fn file(&self) -> Arc<str> {
        self.defaults.as_deref().unwrap_or_default().into()
    }
}

/// The bytes of the place of the head.
const PLACE: usize = 16;

struct Writer(Vec<u8>);

impl Writer {
    fn block(&mut self, value: &impl Serialize) -> Result<Block> {
        let large = || Error::new(ErrorKind::Catalog, "the catalog is too large to be kept as bytes");
        let at = self.0.len();
        self.0 = postcard::to_extend(value, std::mem::take(&mut self.0)).map_err(|_| large())?;
        if self.0.len() as u64 > MOST {
            return Err(large());
        }
        Ok(Block { at: at as u32, length: (self.0.len() - at) as u32, sum: sum(&self.0[at..]) })
    }

    /// Writes a place of the tree behind all that is below it.
    fn branch(&mut self, inner: &Inner, at: Node, routes: &[Block]) -> Result<Block> {
        let tree = &inner.tree;
        let mut names = tree.names(at);
        names.sort_unstable();
        let mut branch = Branch::default();
        for name in names {
            if let Some(node) = tree.literal(at, name) {
                branch.literals.push(self.child(inner, name, node, routes)?);
            }
        }
        if let Some((node, number)) = tree.variable(at) {
            branch.variable = Some((number, self.child(inner, "", node, routes)?));
        }
        branch.route = tree.route(at).and_then(|route| routes.get(route as usize).copied());
        self.block(&branch)
    }

    fn child<'a>(&mut self, inner: &'a Inner, name: &'a str, node: Node, routes: &[Block]) -> Result<Child<'a>> {
        let route = inner.tree.route(node).and_then(|route| inner.routes.get(route as usize));
        Ok(Child {
            name,
            title: route.and_then(|route| route.title()),
            goes_on: inner.tree.variable(node).is_some() || !inner.tree.names(node).is_empty(),
            ends: route.is_some(),
            block: self.branch(inner, node, routes)?,
        })
    }
}

/// Blocks that are read where they stand.
struct Blocks<R> {
    source: R,
    length: u64,
}

impl<R: Read + Seek> Blocks<R> {
    fn open(mut source: R) -> Result<(Self, Head)> {
        let length = source.seek(SeekFrom::End(0)).map_err(unread)?;
        let mut begin = [0; BEGIN.len()];
        let mut place = [0; PLACE];
        if length > MOST || length < (BEGIN.len() + PLACE) as u64 {
            return Err(damaged());
        }
        source.rewind().and_then(|()| source.read_exact(&mut begin)).map_err(unread)?;
        source.read_exact(&mut place).map_err(unread)?;
        if begin != BEGIN.as_bytes() {
            return Err(damaged());
        }
        let mut blocks = Self { source, length };
        let head: Head = blocks.read(Block::at_place(place))?;
        let sound = |variable: &Variable| template::is_variable_name(variable.name());
        if head.variables.iter().all(sound) { Ok((blocks, head)) } else { Err(damaged()) }
    }

    fn read<T: DeserializeOwned>(&mut self, block: Block) -> Result<T> {
        decode(&self.bytes(block)?)
    }

    /// The bytes of a block, as they were written.
    fn bytes(&mut self, block: Block) -> Result<Vec<u8>> {
        if u64::from(block.at) + u64::from(block.length) > self.length {
            return Err(damaged());
        }
        let mut bytes = vec![0; block.length as usize];
        let read = self.source.seek(SeekFrom::Start(block.at.into())).and_then(|_| self.source.read_exact(&mut bytes));
        read.map_err(unread)?;
        if sum(&bytes) == block.sum { Ok(bytes) } else { Err(damaged()) }
    }

    /// Reads a route whose default bodies stand in `file`.
    fn route(&mut self, block: Block, file: &Arc<str>) -> Result<super::Route> {
        let mut route = self.read::<record::ReadRoute>(block)?.0;
        let affected = route.policies.iter().flatten().flat_map(|policy| &policy.affects).map(String::as_str);
        std::iter::once(&*route.template).chain(affected).try_for_each(template::check).map_err(|_| damaged())?;
        let policies = route.policies.iter_mut().flatten().filter_map(|policy| policy.body.as_mut());
        let presets = route.presets.iter_mut().map(|(_, preset)| preset);
        policies.chain(presets).for_each(|preset| preset.set_file(file));
        Ok(route)
    }
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(damaged()),
    }
}

/// A sum that tells damage, not forgery: whoever can write the bytes can write the sum.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(bytes.len() as u64, |sum, word| {
        (sum ^ u64::from_le_bytes(*word)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
    })
}

fn damaged() -> Error {
    Error::new(ErrorKind::Catalog, "these bytes are no catalog of this version; compile its files anew")
}

fn unread(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Catalog, "the bytes of a catalog cannot be read").with_source(error)
}

#[cfg(test)]
mod tests;

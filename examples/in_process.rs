//! Testing a service of one's own through the very client that others use: no socket, no port, no generated code.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use restwalk::{Catalog, Client, ErrorKind, Value, json};

const RESOURCES: &str = "
api: library
expand: dots
resources:
  books: { route: /books, methods: [GET, POST] }
  book:  { route: '/books/{isbn}', methods: [GET] }
";
const DEFAULTS: &str = "
/books:
  POST: { format: { binding: paperback } }
";

type Books = State<Arc<Mutex<Vec<Value>>>>;

fn service() -> Router {
    let list = async |State(books): Books| Json(books.lock().unwrap().clone());
    let add = async |State(books): Books, Json(book): Json<Value>| {
        books.lock().unwrap().push(book.clone());
        (StatusCode::CREATED, Json(book))
    };
    let book = async || (StatusCode::GONE, Json(json!({"type": "about:blank", "title": "Out of print"})));
    Router::new().route("/books", get(list).post(add)).route("/books/{isbn}", get(book)).with_state(Books::default().0)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> restwalk::Result<()> {
    let client = Client::local(service()).catalog(Catalog::from_yaml(RESOURCES, DEFAULTS)?).build()?;

    let added = client.res("books").post().set("title", "Middlemarch").set("format.pages", 880).send().await?;
    assert_eq!(added.status(), StatusCode::CREATED);
    let book: Value = added.json().await?;
    assert_eq!(book, json!({"title": "Middlemarch", "format": {"binding": "paperback", "pages": 880}}));
    println!("added   {book}");

    let books: Vec<Value> = client.res("books").get().send_as().await?;
    assert_eq!(books, [book]);
    println!("listed  {}", books[0]["title"]);

    let gone = client.res("books").item("978-0-14-143954-9").get().await.unwrap_err();
    assert_eq!((gone.kind(), gone.status()), (ErrorKind::Status, Some(StatusCode::GONE)));
    println!("gone    {gone}");

    // The catalog is the contract: what it does not declare is refused before the service sees it.
    let undeclared = client.res("books").delete().await.unwrap_err();
    assert_eq!(undeclared.kind(), ErrorKind::Path);
    println!("refused {undeclared}");
    let wrong = Catalog::from_yaml(RESOURCES, "/boks: { POST: {} }").unwrap_err();
    println!("strict  {wrong}");
    Ok(())
}

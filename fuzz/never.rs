//! A transport that is never reached: the targets build requests and send none.

#[derive(Debug)]
pub struct Never;

impl restwalk::Transport for Never {
    fn exchange(
        &self,
        _: http::Request<restwalk::WireBody>,
    ) -> restwalk::BoxFuture<'_, restwalk::Result<http::Response<restwalk::WireBody>>> {
        Box::pin(async { Err(restwalk::Error::new(restwalk::ErrorKind::Request, "nothing is sent here")) })
    }
}

//! Reading the resources of a state one by one, without holding the document.

use crate::digest::{StateDigest, StateHasher};
use crate::download::Download;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{
    Instances, ListedResource, Raw, Resource, ResourcesReader, Showing, StateFile, Target, in_format_4, show,
};
use crate::workspace::Workspace;

impl Workspace {
    /// Reads which resource instances there are; with `id`, only those whose attribute `id` is this text.
    ///
    /// One round trip. Memory holds one resource at a time and the addresses.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is no state; none is created. Those of [`Workspace::read`];
    /// [`ErrorKind::Corrupt`] for a document that is no state.
    pub async fn instances(&self, id: Option<&str>) -> Result<Instances> {
        let listed = self.scan(&|resource, _| Some(ListedResource::new(resource, id))).await?;
        Instances::new(listed).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, format!("`{}` has an object that stands twice", self.url()))
        })
    }

    /// Renders the current object at `target` as `terraform state show` does; `None` where the state has none there.
    ///
    /// Attributes that the state marks as sensitive are hidden. Costs as [`Workspace::instances`].
    ///
    /// # Errors
    /// As for [`Workspace::instances`].
    pub async fn show(&self, target: &Target) -> Result<Option<String>> {
        let (Target::Resource(address) | Target::Instance(address, _)) = target else { return Ok(None) };
        let elements = self
            .scan(&|resource, raw: Raw<'_>| {
                (resource.address_parts() == *address).then(|| raw.as_bytes().to_vec())
            })
            .await?;
        match show(&elements, target).map_err(|error| self.unreadable(error))? {
            Showing::Text(text) => Ok(Some(text)),
            Showing::Missing => Ok(None),
            Showing::TooDeep => Err(Error::new(
                ErrorKind::Corrupt,
                format!("the attributes of {target} are nested too deeply to be shown"),
            )
            .hint("`s3tate state pull` gives the whole state")),
        }
    }

    async fn scan<T>(&self, pick: &impl Fn(&Resource<'_>, Raw<'_>) -> Option<T>) -> Result<Vec<T>> {
        let bucket = self.bucket();
        let (download, recorded) = self.open(&bucket).await?;
        if let Some(download) = download
            && let Some(picked) = self.stream_resources(download, recorded, pick).await
        {
            return Ok(picked);
        }
        let bytes = self.read().await?.bytes.ok_or_else(|| self.missing())?;
        let bytes = in_format_4(&bytes).map_err(|error| self.unreadable(error))?;
        let state = StateFile::parse(&bytes).map_err(|error| self.unreadable(error))?;
        state.ok_or_else(|| self.missing())?.check().map_err(|error| self.unreadable(error))?;
        let mut reader = ResourcesReader::new(pick);
        reader.feed(&bytes);
        reader.finish().map_err(|error| self.unreadable(error))
    }

    /// `None` where the whole must be looked at: the body broke off and can't be continued, is not the recorded one, or no plain state.
    async fn stream_resources<T>(
        &self,
        mut download: Download<'_>,
        recorded: Option<StateDigest>,
        pick: &impl Fn(&Resource<'_>, Raw<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let unproven = recorded.filter(|recorded| !download.proves(*recorded));
        let mut reader = ResourcesReader::new(pick);
        let mut hasher = StateHasher::default();
        while let Some(chunk) = download.next().await.ok()? {
            reader.feed(&chunk);
            if unproven.is_some() {
                hasher.update(&chunk);
            }
        }
        let digest = hasher.finish();
        if unproven.is_some_and(|recorded| recorded != digest) {
            return None;
        }
        reader.finish().ok()
    }
}

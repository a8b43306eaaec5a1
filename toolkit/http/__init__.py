"""Whatever opens connections. The only package that knows an HTTP library."""

from toolkit.http.downloads import ImageDownloads

__all__ = ["ImageDownloads"]

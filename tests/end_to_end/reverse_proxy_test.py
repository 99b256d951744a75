"""The exporter's pages behind a path prefix of Debian's nginx."""

import re
import unittest
import urllib.parse
import urllib.request

from nginx import Nginx
from programs import Exporter, get


def links(page, url):
    """The page's links to its own host, resolved against its URL."""
    found = [
        urllib.parse.urljoin(url, link.replace("&amp;", "&"))
        for link in re.findall(r'<a href="([^"]*)"', page)
    ]
    host = urllib.parse.urlsplit(url).netloc
    return [link for link in found if urllib.parse.urlsplit(link).netloc == host]


class ReverseProxy(unittest.TestCase):
    def assert_links_work(self, url):
        page = get(url)
        self.assertEqual(page.status, 200)
        found = links(page.text, url)
        self.assertGreaterEqual(len(found), 10)
        for link in found:
            self.assertTrue(link.startswith(url), link)
            self.assertEqual(get(link).status, 200, link)
        self.assertIn("\njemalloc_", get(found[0]).text)
        self.assertEqual(get(found[1]).text, "Healthy\n")

    def test_links_work_if_the_proxy_removes_the_prefix(self):
        with Exporter() as exporter:
            location = f"location /jem/ {{ proxy_pass {exporter.url}/; }}"
            with Nginx(location) as nginx:
                self.assert_links_work(nginx.url + "/jem/")

    def test_links_work_if_the_proxy_keeps_the_prefix(self):
        with Exporter("--web.route-prefix=/jem") as exporter:
            location = f"location /jem/ {{ proxy_pass {exporter.url}; }}"
            with Nginx(location) as nginx:
                self.assert_links_work(nginx.url + "/jem/")

    def test_links_work_without_a_proxy(self):
        with Exporter() as exporter:
            self.assert_links_work(exporter.url + "/")


class Redirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def location(url):
    """The status of the response, and its Location."""
    opener = urllib.request.build_opener(Redirect)
    try:
        with opener.open(url, timeout=30) as response:
            return response.status, response.headers["Location"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Location"]


class RoutePrefix(unittest.TestCase):
    def test_is_the_path_of_the_external_url(self):
        with Exporter("--web.external-url=http://example.org/a/jem") as exporter:
            for path in ("/metrics", "/", "/-/healthy", "/-/ready"):
                self.assertEqual(get(exporter.url + "/a/jem" + path).status, 200)
            for path in ("/metrics", "/-/healthy", "/a/metrics"):
                self.assertEqual(get(exporter.url + path).status, 404)
            for path in ("/", "/a/jem"):
                self.assertEqual(
                    location(exporter.url + path),
                    (302, "http://example.org/a/jem/"),
                )

    def test_overrides_the_path_of_the_external_url(self):
        with Exporter(
            "--web.external-url=http://example.org/jem/", "--web.route-prefix=/"
        ) as exporter:
            self.assertEqual(get(exporter.url + "/metrics").status, 200)
            self.assertEqual(get(exporter.url + "/").status, 200)

    def test_redirects_to_itself_without_an_external_url(self):
        with Exporter("--web.route-prefix=jem/") as exporter:
            self.assertEqual(location(exporter.url + "/"), (302, "/jem/"))
            self.assertEqual(get(exporter.url + "/jem/metrics").status, 200)

    def test_is_before_the_telemetry_path(self):
        with Exporter(
            "--web.route-prefix=/jem", "--web.telemetry-path=/heap"
        ) as exporter:
            self.assertEqual(get(exporter.url + "/jem/heap").status, 200)
            self.assertIn('href="./heap"', get(exporter.url + "/jem/").text)


if __name__ == "__main__":
    unittest.main()

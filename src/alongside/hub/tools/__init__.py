"""Tools: read, published in versions that never change, listed with where each of them can run."""

from alongside.hub.tools.arguments import argument_faults as argument_faults
from alongside.hub.tools.arguments import with_defaults as with_defaults
from alongside.hub.tools.catalogue import Tool as Tool
from alongside.hub.tools.catalogue import delete as delete
from alongside.hub.tools.catalogue import delete_version as delete_version
from alongside.hub.tools.catalogue import find as find
from alongside.hub.tools.catalogue import get as get
from alongside.hub.tools.catalogue import listing as listing
from alongside.hub.tools.catalogue import publish as publish
from alongside.hub.tools.documents import from_yaml as from_yaml
from alongside.hub.tools.documents import read as read

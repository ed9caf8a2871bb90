"""Runs: asking for them, looking at them, steering them, and believing what runners report of them."""

from alongside.hub.runs.actions import act as act
from alongside.hub.runs.actions import expire as expire
from alongside.hub.runs.actions import settle as settle
from alongside.hub.runs.losses import lose as lose
from alongside.hub.runs.losses import orphaned as orphaned
from alongside.hub.runs.losses import overdue as overdue
from alongside.hub.runs.losses import reconcile as reconcile
from alongside.hub.runs.losses import silent as silent
from alongside.hub.runs.reading import Explanation as Explanation
from alongside.hub.runs.reading import action as action
from alongside.hub.runs.reading import actions as actions
from alongside.hub.runs.reading import attempts as attempts
from alongside.hub.runs.reading import events as events
from alongside.hub.runs.reading import explain as explain
from alongside.hub.runs.reading import find as find
from alongside.hub.runs.reading import find_match as find_match
from alongside.hub.runs.reading import get as get
from alongside.hub.runs.reading import listing as listing
from alongside.hub.runs.reading import log as log
from alongside.hub.runs.reports import apply as apply
from alongside.hub.runs.reports import skip as skip
from alongside.hub.runs.requests import Place as Place
from alongside.hub.runs.requests import Preview as Preview
from alongside.hub.runs.requests import PreviewedDataset as PreviewedDataset
from alongside.hub.runs.requests import preview as preview
from alongside.hub.runs.requests import request as request

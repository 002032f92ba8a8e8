"""The public names of the framework, for the routes in app.py. models.py needs schema.py alone.

What is not here is private to the framework.
"""

from chalice import Blueprint as Blueprint
from chalice import Response as Response

from chalicelib.errors import Conflict as Conflict
from chalicelib.errors import DomainError as DomainError
from chalicelib.errors import FieldError as FieldError
from chalicelib.errors import Forbidden as Forbidden
from chalicelib.errors import Invalid as Invalid
from chalicelib.errors import NotFound as NotFound
from chalicelib.errors import PreconditionFailed as PreconditionFailed
from chalicelib.http.api import Api as Api
from chalicelib.http.api import docs_page as docs_page
from chalicelib.http.api import openapi_document as openapi_document
from chalicelib.http.api import resources_by_list_path as resources_by_list_path
from chalicelib.http.operations import Create as Create
from chalicelib.http.operations import CustomOperation as CustomOperation
from chalicelib.http.operations import Delete as Delete
from chalicelib.http.operations import List as List
from chalicelib.http.operations import Patch as Patch
from chalicelib.http.operations import Read as Read
from chalicelib.http.operations import Replace as Replace
from chalicelib.http.requests import MERGE_PATCH as MERGE_PATCH
from chalicelib.http.requests import Request as Request
from chalicelib.http.responses import created as created
from chalicelib.http.responses import deleted as deleted
from chalicelib.http.responses import ok as ok
from chalicelib.http.responses import ok_or_not_modified as ok_or_not_modified
from chalicelib.http.responses import ok_page as ok_page
from chalicelib.http.responses import redirected as redirected
from chalicelib.results import Item as Item
from chalicelib.storage.attributes import Row as Row
from chalicelib.storage.collection import Collection as Collection
from chalicelib.storage.expressions import Expression as Expression
from chalicelib.storage.expressions import Guard as Guard

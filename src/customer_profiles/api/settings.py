"""Django's settings: no database, no sessions, no cookies, no templates."""

import os
import secrets

DEBUG = False
# Nothing is signed, so nothing needs it to be the same after a restart.
SECRET_KEY = secrets.token_urlsafe(50)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]  # `serve` adds its --host
ROOT_URLCONF = "customer_profiles.api.urls"
INSTALLED_APPS = ["drf_spectacular"]
MIDDLEWARE = [
    "customer_profiles.api.urls.strict",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# No cookies to forge (W003); TLS, where there is any, ends at a proxy in front (W004, W008).
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W004", "security.W008"]
USE_I18N = False
LOGGING_CONFIG = None  # the program that serves has configured logging

# What a browser may load for an answer that is opened in it, and for one of the files.
OF_ANSWERS = "default-src 'none'; frame-ancestors 'none'"
OF_FILES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

API_RATE = os.environ.get("API_RATE", "1000/min")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["customer_profiles.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": API_RATE, "failures": API_RATE},
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "customer_profiles.api.openapi.Described",
    "DEFAULT_PARSER_CLASSES": [],
    "EXCEPTION_HANDLER": "customer_profiles.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": 0,  # else a caller chooses the address that his failures are counted for
}
# Each audience has its own database, and its own tokens in it.
MAKE_ONE = "`customer-profiles token create NAME` makes one for the current audience"
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Customer profiles",
    "VERSION": "1",
    "DESCRIPTION": "What is published of an audience: groups of people, never one of them. Lists "
    "come in pages; errors are problem details (RFC 9457); an answer that has not changed is not "
    "sent to whoever returns its `ETag` as `If-None-Match`.",
    "PATH_CONVERTER_OVERRIDES": {"int": {"type": "integer", "minimum": 0, "examples": [0]}},
    "POSTPROCESSING_HOOKS": [],
    "APPEND_COMPONENTS": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": MAKE_ONE}}
    },
}

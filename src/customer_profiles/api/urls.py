"""Where the endpoints lie."""

from django.urls import include, path

from customer_profiles.api import page, views

V1 = [
    path("health/", views.Health.as_view(), name="health"),
    path("segments/", views.Segments.as_view(), name="segments"),
    path("segments/<int:segment>/", views.Segment.as_view(), name="segment"),
    path("summary/", views.Summary.as_view(), name="summary"),
]
urlpatterns = [path("api/v1/", include(V1)), *page.PATHS]

handler400 = "customer_profiles.api.problems.bad_request"
handler404 = "customer_profiles.api.problems.not_found"
handler500 = "customer_profiles.api.problems.server_error"

"""The sentiment model as MLflow loads it: code and a SavedModel, nothing pickled."""

from pathlib import Path

import mlflow
import pandas as pd

from customer_profiles.sentiment.model.scorer import Scorer


class RegisteredModel(mlflow.pyfunc.PythonModel):
    """MLflow model of the column `text`, whose prediction is a column for each rating."""

    def load_context(self, context) -> None:
        self._scorer = Scorer(Path(context.artifacts["saved_model"]))

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return self._scorer.read(model_input["text"].tolist())


mlflow.models.set_model(RegisteredModel())

"""What are the layers? Keras layers, one LayerSpec for each, their names.

`import common.networks` is all that plain Keras needs to read a saved model, whichever of the two is imported first:

    import common.networks
    import keras

    model = keras.models.model_from_json(open("model.json").read())
    model.load_weights("model.weights.h5")

Nothing is checked on this way: read only models that you trust. `TASK.load` goes through the gate of `common.bundles`.
"""

from common.networks.registration import register_with_keras

register_with_keras()
